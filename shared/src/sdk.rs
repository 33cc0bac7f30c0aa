//! The configuration of the AWS SDK that all clients of a process share: region, credentials, HTTP client and trusted
//! certificates. It contains nothing about a particular AWS service.

mod in_process;
mod region;

use std::sync::Arc;

use aws_credential_types::{
    Credentials,
    provider::{self, ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future},
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    behavior_version::BehaviorVersion, http::SharedHttpClient,
    stalled_stream_protection::StalledStreamProtectionConfig,
};
use aws_types::{SdkConfig, region::Region};

pub(crate) use self::in_process::TakesValues;
pub use self::in_process::{Answer, Engine, EngineItem, EngineValue, Queried};
use crate::config::variable;

/// The root certificates of Amazon Trust Services, as <https://www.amazontrust.com/repository/> publishes them. Parsing
/// all root certificates of a system takes four fifths of the start of a function.
const AMAZON_ROOTS: &[u8] = include_bytes!("sdk/amazon-roots.pem");

/// The first part of region names in the partition whose endpoints are known to have certificates of Amazon Trust
/// Services.
const AREAS: [&str; 9] = ["af", "ap", "ca", "eu", "il", "me", "mx", "sa", "us"];

/// The environment variables that set the certificates which the system trusts.
const SYSTEM_STORE: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Configures a function on Lambda from its environment alone: region, credentials, and the endpoint. The endpoint is
/// the region's own unless `endpoint_variable` or `AWS_ENDPOINT_URL` contains another one.
///
/// The credentials chain of the SDK also looks into files, containers and machines. It is left out, because it would
/// take half of the start of the process.
pub(crate) fn of_function(endpoint_variable: &str) -> SdkConfig {
    of_environment(variable(endpoint_variable).or_else(|| variable("AWS_ENDPOINT_URL")))
}

/// Configures a tool on a developer's machine for the given address. The credentials are found in the same places as by
/// the AWS CLI.
#[cfg(feature = "aws-profiles")]
pub(crate) async fn of_machine(endpoint: &str) -> SdkConfig {
    let client = http_client(TrustedRoots::of_endpoint(endpoint));
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(client).endpoint_url(endpoint);
    let config = match region::of_endpoint(endpoint) {
        Some(region) => config.region(Region::new(region.to_owned())),
        None => config,
    };
    config.load().await
}

/// Configures a tool on a developer's machine for the given address. Only credentials in the environment are used.
#[cfg(not(feature = "aws-profiles"))]
pub(crate) fn of_machine(endpoint: &str) -> std::future::Ready<SdkConfig> {
    std::future::ready(of_environment(Some(endpoint.to_owned())))
}

fn of_environment(endpoint: Option<String>) -> SdkConfig {
    let named = endpoint.as_deref().and_then(region::of_endpoint).map(str::to_owned);
    let region = named.or_else(|| variable("AWS_REGION")).or_else(|| variable("AWS_DEFAULT_REGION"));
    let roots = match (SYSTEM_STORE.into_iter().find_map(variable), &endpoint) {
        (Some(_), _) => TrustedRoots::System,
        (None, Some(endpoint)) => TrustedRoots::of_endpoint(endpoint),
        (None, None) => TrustedRoots::of_region(region.as_deref().unwrap_or_default()),
    };
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region.map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(Environment))
        .http_client(http_client(roots))
        // Requests have their own timeouts, and no request is a stream.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .use_fips(is_on("AWS_USE_FIPS_ENDPOINT"))
        .use_dual_stack(is_on("AWS_USE_DUALSTACK_ENDPOINT"));
    config.set_endpoint_url(endpoint);
    config.build()
}

/// The credentials in the environment. Lambda puts the credentials of a function's role there.
#[derive(Debug)]
struct Environment;

impl ProvideCredentials for Environment {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(credentials_of(variable))
    }
}

fn credentials_of(variable: impl Fn(&str) -> Option<String>) -> provider::Result {
    let required = |name: &str| {
        variable(name).ok_or_else(|| CredentialsError::not_loaded(format!("the variable {name} is not set")))
    };
    let mut credentials = Credentials::builder()
        .access_key_id(required("AWS_ACCESS_KEY_ID")?)
        .secret_access_key(required("AWS_SECRET_ACCESS_KEY")?)
        .provider_name("Environment");
    credentials.set_session_token(variable("AWS_SESSION_TOKEN"));
    Ok(credentials.build())
}

/// Configures a connection to an engine on this machine that accepts any credentials.
pub(crate) fn of_engine(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("local", "local", None, None, "local");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client(TrustedRoots::of_endpoint(endpoint)))
        .endpoint_url(endpoint)
        .build()
}

/// Configures an engine inside this process that needs no credentials. The SDK requires an address, but nothing
/// connects to it.
pub(crate) fn of_process(engine: Arc<dyn Engine>) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .http_client(in_process::InProcess(engine))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .endpoint_url("http://127.0.0.1")
        .build()
}

fn is_on(name: &str) -> bool {
    variable(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

fn http_client(roots: TrustedRoots) -> SharedHttpClient {
    let tls = TlsContext::builder().with_trust_store(roots.store()).build();
    // Building the context parses no certificate, so it never fails. The default context would trust the system's
    // roots.
    let client = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    client.tls_context(tls.unwrap_or_default()).build_https()
}

/// The root certificates that a client trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TrustedRoots {
    /// Only the roots of Amazon Trust Services: for the endpoints of AWS, and for unencrypted connections.
    Amazon,
    /// All roots that the system trusts: for every other address.
    System,
}

impl TrustedRoots {
    fn of_region(region: &str) -> Self {
        if is_amazons(region) { Self::Amazon } else { Self::System }
    }

    fn of_endpoint(endpoint: &str) -> Self {
        if endpoint.starts_with("http://") { Self::Amazon } else { Self::System }
    }

    fn store(self) -> TrustStore {
        match self {
            Self::Amazon => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
            Self::System => TrustStore::default(),
        }
    }
}

/// Returns true if a region is in the public partition, for example `eu-central-1`. Returns false for `cn-north-1` and
/// `us-gov-west-1`, because their endpoints have, or may get, certificates of other authorities.
fn is_amazons(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    matches!(parts[..], [area, _, number] if AREAS.contains(&area) && number.parse::<u8>().is_ok())
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn amazons_roots_are_those_that_it_publishes() {
        // The fingerprints of the roots 1 to 4 and of Starfield Services Root G2, as the repository lists them.
        let published = [
            "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
            "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
            "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
            "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
            "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
        ];
        let pem = std::str::from_utf8(AMAZON_ROOTS).unwrap();
        let certificates = pem.split("-----BEGIN CERTIFICATE-----").skip(1).map(|certificate| {
            let body = certificate.split("-----END CERTIFICATE-----").next().unwrap();
            let der = STANDARD.decode(body.split_whitespace().collect::<String>()).unwrap();
            Sha256::digest(der).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
        });
        assert_eq!(certificates.collect::<Vec<_>>(), published);
    }

    #[tokio::test]
    async fn a_client_that_trusts_amazon_can_be_built() {
        // Sending a request parses the roots, and an invalid root would panic. Nothing listens on port 1.
        let mut config = of_engine("https://127.0.0.1:1").into_builder();
        config.set_http_client(Some(http_client(TrustedRoots::Amazon)));
        let asked = aws_sdk_dynamodb::Client::new(&config.build()).list_tables().send().await;
        assert!(format!("{asked:?}").contains("ConnectionRefused"), "{asked:?}");
    }

    #[test]
    fn credentials_come_from_the_environment_with_their_token() {
        let of = |set: &'static [&'static str]| {
            credentials_of(move |name| set.contains(&name).then(|| name.to_lowercase()))
        };
        let found = of(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]).unwrap();
        assert_eq!(found.access_key_id(), "aws_access_key_id");
        assert_eq!(found.secret_access_key(), "aws_secret_access_key");
        assert_eq!(found.session_token(), Some("aws_session_token"));
        assert_eq!(of(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]).unwrap().session_token(), None);
        assert!(of(&["AWS_SECRET_ACCESS_KEY"]).is_err());
        let missing = of(&["AWS_ACCESS_KEY_ID"]).unwrap_err();
        let source = std::error::Error::source(&missing).map(ToString::to_string);
        assert_eq!(source.as_deref(), Some("the variable AWS_SECRET_ACCESS_KEY is not set"));
    }

    #[test]
    fn only_aws_itself_is_held_to_amazons_roots() {
        for region in ["us-east-1", "eu-central-1", "ap-southeast-7", "mx-central-1", "il-central-1"] {
            assert_eq!(TrustedRoots::of_region(region), TrustedRoots::Amazon, "{region}");
        }
        for region in
            ["", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1", "local", "eu-x-y"]
        {
            assert_eq!(TrustedRoots::of_region(region), TrustedRoots::System, "{region}");
        }
        assert_eq!(TrustedRoots::of_endpoint("http://127.0.0.1:8000"), TrustedRoots::Amazon);
        assert_eq!(
            TrustedRoots::of_endpoint("https://dynamodb.eu-west-1.amazonaws.com"),
            TrustedRoots::System
        );
        assert_eq!(TrustedRoots::of_endpoint("HTTPS://db.example.com"), TrustedRoots::System);
    }
}
