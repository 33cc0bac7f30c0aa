//! Finds the AWS region in an address of DynamoDB. Requests are signed for that region, and the region in the machine's
//! settings may be a different one.

/// Returns the region in an AWS endpoint such as `https://dynamodb.eu-central-1.amazonaws.com`; `None` for other
/// addresses.
pub(super) fn of_endpoint(endpoint: &str) -> Option<&str> {
    let host = endpoint.strip_prefix("https://")?.split(['/', ':']).next()?;
    let labels: Vec<&str> = host.split('.').collect();
    // The second pattern is the form with an account id: `111122223333.ddb.us-east-1.amazonaws.com`.
    let (["dynamodb" | "dynamodb-fips", region, domain @ ..] | [_, "ddb" | "ddb-fips", region, domain @ ..]) =
        labels.as_slice()
    else {
        return None;
    };
    let domain = domain.join(".");
    let is_awss = ["amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "api.aws"].contains(&domain.as_str());
    is_awss.then_some(*region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_aws_has_its_region_in_it() {
        for (endpoint, region) in [
            ("https://dynamodb.eu-central-1.amazonaws.com", "eu-central-1"),
            ("https://dynamodb.eu-central-1.amazonaws.com:443/", "eu-central-1"),
            ("https://dynamodb-fips.us-east-1.amazonaws.com", "us-east-1"),
            ("https://dynamodb.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("https://dynamodb.us-west-2.api.aws", "us-west-2"),
            ("https://111122223333.ddb.us-east-1.amazonaws.com", "us-east-1"),
        ] {
            assert_eq!(of_endpoint(endpoint), Some(region), "{endpoint}");
        }
        for other in [
            "http://127.0.0.1:8000",
            "https://localhost:8000",
            "https://db.example.com",
            "https://dynamodb.eu-central-1.amazonaws.com.example.com",
            "https://dynamodb.com",
            "",
        ] {
            assert_eq!(of_endpoint(other), None, "{other}");
        }
    }
}
