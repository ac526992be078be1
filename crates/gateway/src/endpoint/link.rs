//! How an endpoint is reached: a client certificate, a private authority, a proxy.

use std::sync::Arc;

use hyper::Uri;
use hyper_rustls::ConfigBuilderExt as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::BadEndpoint;

/// Bytes of a PEM text at most.
const PEM_BYTES_MAX: usize = 256 * 1024;
/// The word for no proxy, where a proxy is set for all endpoints.
pub const NO_PROXY: &str = "none";

/// TLS towards an endpoint. Empty: the public authorities, and no certificate of our own.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsInput {
    /// The certificate that we show, PEM, with those between it and its authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<String>,
    /// Its private key, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key: Option<String>,
    /// The authorities that may sign the endpoint's certificate, PEM, instead of the public ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// Says what there is, and nothing of what is in it.
impl std::fmt::Debug for TlsInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsInput")
            .field("client_certificate", &self.client_certificate.is_some())
            .field("ca", &self.ca.is_some())
            .finish_non_exhaustive()
    }
}

impl TlsInput {
    /// Nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What rustls makes of it. The texts are named where they are wrong, and never shown.
    pub fn config(&self) -> Result<ClientConfig, BadEndpoint> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| BadEndpoint::new("tls", "no TLS version can be used"))?;
        let builder = match &self.ca {
            Some(pem) => builder.with_root_certificates(authorities(pem)?),
            None => builder.with_webpki_roots(),
        };
        match (&self.client_certificate, &self.client_key) {
            (None, None) => Ok(builder.with_no_client_auth()),
            (Some(_), None) => Err(BadEndpoint::new("tls.client_key", "a client certificate needs its key")),
            (None, Some(_)) => Err(BadEndpoint::new("tls.client_certificate", "a client key needs its certificate")),
            (Some(chain), Some(key)) => {
                let chain = certificates(chain, "tls.client_certificate")?;
                let key = bounded(key, "tls.client_key").and_then(|key| {
                    PrivateKeyDer::from_pem_slice(key.as_bytes())
                        .map_err(|_| BadEndpoint::new("tls.client_key", "expected a private key in PEM"))
                })?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|_| BadEndpoint::new("tls.client_key", "the key does not fit the client certificate"))
            }
        }
    }
}

/// Which proxy deliveries to an endpoint take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum ProxyChoice {
    /// The one that is set for all endpoints, if one is.
    #[default]
    AsAll,
    /// None.
    Direct,
    /// This one.
    Through(Uri),
}

impl ProxyChoice {
    /// Reads what a person wrote.
    pub fn parse(text: Option<&str>) -> Result<Self, BadEndpoint> {
        match text {
            None => Ok(Self::AsAll),
            Some(NO_PROXY) => Ok(Self::Direct),
            Some(url) => proxy(url).map(Self::Through).map_err(|expected| BadEndpoint::new("proxy", expected)),
        }
    }
}

/// Reads the URL of a proxy.
pub fn proxy(url: &str) -> Result<Uri, &'static str> {
    const EXPECTED: &str = "expected the address of a proxy that takes CONNECT, like `http://proxy.internal:3128`";
    let uri: Uri = url.parse().map_err(|_| EXPECTED)?;
    let authority = uri.authority().filter(|authority| !authority.host().is_empty()).ok_or(EXPECTED)?;
    if uri.scheme_str() != Some("http") || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err(EXPECTED);
    }
    if authority.as_str().contains('@') {
        return Err("a user name or password for the proxy is not supported: let it know this machine by its address");
    }
    Ok(uri)
}

fn bounded<'p>(pem: &'p str, member: &str) -> Result<&'p str, BadEndpoint> {
    if pem.len() > PEM_BYTES_MAX {
        return Err(BadEndpoint::new(member, "at most 256 KiB"));
    }
    Ok(pem)
}

fn certificates(pem: &str, member: &str) -> Result<Vec<CertificateDer<'static>>, BadEndpoint> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bounded(pem, member)?.as_bytes()).collect();
    all.ok()
        .filter(|all| !all.is_empty())
        .ok_or_else(|| BadEndpoint::new(member, "expected one or more certificates in PEM"))
}

fn authorities(pem: &str) -> Result<RootCertStore, BadEndpoint> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, "tls.ca")? {
        roots.add(certificate).map_err(|_| BadEndpoint::new("tls.ca", "a certificate in it cannot be an authority"))?;
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn a_proxy_is_an_http_address_and_nothing_more() {
        assert!(matches!(ProxyChoice::parse(Some("http://proxy.internal:3128")), Ok(ProxyChoice::Through(_))));
        assert_eq!(ProxyChoice::parse(Some("none")), Ok(ProxyChoice::Direct));
        assert_eq!(ProxyChoice::parse(None), Ok(ProxyChoice::AsAll));
        for bad in ["", "proxy", "https://p", "socks5://p", "http://u:pw@p:1", "http://p/path", "http://p?x", "http://"]
        {
            let told = ProxyChoice::parse(Some(bad)).unwrap_err().to_string();
            assert!(!told.contains("pw@"), "{told}");
        }
    }

    #[test]
    fn broken_pem_is_told_by_its_member_and_never_shown() {
        let broken = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----";
        for (tls, member) in [
            (TlsInput { ca: Some(broken.to_owned()), ..TlsInput::default() }, "tls.ca"),
            (TlsInput { client_certificate: Some("x".to_owned()), ..TlsInput::default() }, "tls.client_key"),
            (TlsInput { client_key: Some(broken.to_owned()), ..TlsInput::default() }, "tls.client_certificate"),
            (
                TlsInput { client_certificate: Some("x".to_owned()), client_key: Some(broken.to_owned()), ca: None },
                "tls.client_certificate",
            ),
        ] {
            let bad = tls.config().unwrap_err();
            assert_eq!(bad.member, member);
            assert!(!format!("{bad}{tls:?}").contains("hunter2"));
        }
        assert!(TlsInput::default().config().is_ok());
    }
}
