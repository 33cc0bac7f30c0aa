//! The AWS SDK as every client of a process has it: whose credentials it uses, its HTTP client, and whose certificates that
//! trusts. It knows no service.

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

pub use self::in_process::{Answer, Engine};
use crate::config::variable;

/// The roots of Amazon Trust Services, as <https://www.amazontrust.com/repository/> publishes them. Parsing all that a
/// system has is four fifths of what a function's start takes.
const AMAZON_ROOTS: &[u8] = include_bytes!("sdk/amazon-roots.pem");

/// The first part of the regions' names in the partition whose certificates are known to be Amazon's.
const AREAS: [&str; 9] = ["af", "ap", "ca", "eu", "il", "me", "mx", "sa", "us"];

/// How the system is told which certificates to trust.
const SYSTEM_STORE: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Configures a function on Lambda, all of it from its environment: region, credentials, and the endpoint that stands in
/// for the region's own where `AWS_ENDPOINT_URL` or the service's variable names one.
///
/// The chain that also looks into files, containers and machines is left out: it would be half of the binary's start.
pub(crate) fn of_function(endpoint_variable: &str) -> SdkConfig {
    of_environment(variable(endpoint_variable).or_else(|| variable("AWS_ENDPOINT_URL")))
}

/// Configures a tool on a person's machine, for the given address, with credentials as the AWS CLI finds them.
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

/// Configures a tool on a person's machine, for the given address, with the credentials in its environment alone.
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
        // Requests have time limits of their own, and none is a stream.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .use_fips(is_on("AWS_USE_FIPS_ENDPOINT"))
        .use_dual_stack(is_on("AWS_USE_DUALSTACK_ENDPOINT"));
    config.set_endpoint_url(endpoint);
    config.build()
}

/// The credentials in the environment, where Lambda puts those of a function's role.
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

/// An engine on this machine, which takes any credentials.
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

/// Configures an engine inside this process, which takes requests without credentials. The address is never connected to.
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
    // Building the context parses nothing yet, and so never fails; its default trusts the system's roots.
    let client = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    client.tls_context(tls.unwrap_or_default()).build_https()
}

/// Whose certificates a client trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TrustedRoots {
    /// Amazon's alone: for AWS itself, and where nothing is encrypted.
    Amazon,
    /// All that the system trusts: for every other address.
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

/// Whether a region is of the public partition: `eu-central-1`, but neither `cn-north-1` nor `us-gov-west-1`, whose
/// endpoints have, or may get, other authorities.
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
        // The fingerprints of the roots 1 to 4 and of Starfield Services' G2, as the repository lists them.
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
        // Parses the roots, which would panic on one that is none. Nobody listens on port 1.
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
