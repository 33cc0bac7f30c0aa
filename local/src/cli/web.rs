//! The options for pages of other origins and for host names.

use clap::Args;
use url::Url;

const NOT_AN_ORIGIN: &str = "must be an origin such as http://localhost:5173, without a path";

/// The origins of pages and the host names that the server accepts in addition to its own.
#[derive(Debug, Args)]
pub(crate) struct Web {
    #[arg(
        long = "cors-origin",
        value_name = "URL",
        value_parser = origin,
        help = "Allow pages of this origin (such as http://localhost:5173) to call the API; can be repeated"
    )]
    pub(crate) cors_origins: Vec<String>,

    #[arg(
        long = "host-name",
        value_name = "NAME",
        env = "LOCAL_HOST_NAME",
        value_delimiter = ',',
        value_parser = host_name,
        help = "Accept this host name in addition to localhost and 127.0.0.1; can be repeated"
    )]
    pub(crate) host_names: Vec<String>,
}

/// Parses an origin, and returns it in the form that browsers use.
fn origin(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|_| NOT_AN_ORIGIN.to_owned())?;
    let is_origin = matches!(url.scheme(), "http" | "https")
        && url.path() == "/"
        && (url.query(), url.fragment(), url.password()) == (None, None, None)
        && url.username().is_empty();
    if is_origin { Ok(url.origin().ascii_serialization()) } else { Err(NOT_AN_ORIGIN.into()) }
}

fn host_name(text: &str) -> Result<String, String> {
    let named = Url::parse(&format!("http://{text}/")).ok();
    let named = named.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let plain = named.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte));
    // If the parser changes the text, then the text is more than a host name.
    if plain && named == text.to_ascii_lowercase() {
        Ok(named)
    } else {
        Err("must be a host name such as dev.example.com, without a scheme or a port".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_as_browsers_write_them() {
        for (typed, sent) in [
            ("http://localhost:5173", "http://localhost:5173"),
            ("HTTPS://App.Example.com:443/", "https://app.example.com"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(origin(typed).as_deref(), Ok(sent));
        }
        for typed in ["foo", "http://", "localhost:5173"] {
            assert_eq!(origin(typed), Err(NOT_AN_ORIGIN.to_owned()), "{typed}");
        }
    }
}
