//! How a request gets to its endpoint, where that is not the usual way: TLS of its own, a proxy of its own.

use rustls::ClientConfig;
use sha2::{Digest, Sha256};

use crate::endpoint::{BadEndpoint, ProxyChoice, TlsInput};

/// A way of its own. Two endpoints with the same one share their connections.
pub struct Link {
    tls: ClientConfig,
    proxy: ProxyChoice,
    digest: [u8; 32],
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("proxy", &self.proxy).finish_non_exhaustive()
    }
}

impl Link {
    /// The way that the settings describe; None for the usual one.
    pub fn new(tls: &TlsInput, proxy: ProxyChoice) -> Result<Option<Self>, BadEndpoint> {
        if tls.is_empty() && proxy == ProxyChoice::AsAll {
            return Ok(None);
        }
        Ok(Some(Self { tls: tls.config()?, digest: digest(tls, &proxy), proxy }))
    }

    pub(super) const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    pub(super) const fn proxy(&self) -> &ProxyChoice {
        &self.proxy
    }

    pub(super) fn tls(&self) -> ClientConfig {
        self.tls.clone()
    }
}

/// Ways are equal when all their texts are.
fn digest(tls: &TlsInput, proxy: &ProxyChoice) -> [u8; 32] {
    let proxy = match proxy {
        ProxyChoice::AsAll => None,
        ProxyChoice::Direct => Some(String::new()),
        ProxyChoice::Through(uri) => Some(uri.to_string()),
    };
    let mut hash = Sha256::new();
    for text in [&tls.client_certificate, &tls.client_key, &tls.ca, &proxy] {
        let length = text.as_ref().map_or(u64::MAX, |text| u64::try_from(text.len()).unwrap_or(u64::MAX));
        hash.update(length.to_be_bytes());
        hash.update(text.as_deref().unwrap_or_default());
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use hyper::Uri;

    use super::*;

    #[test]
    fn ways_are_told_apart_by_every_text_in_them() {
        let tls = |ca: Option<&str>, key: Option<&str>| TlsInput {
            ca: ca.map(str::to_owned),
            client_key: key.map(str::to_owned),
            client_certificate: None,
        };
        let all = [
            digest(&tls(None, None), &ProxyChoice::AsAll),
            digest(&tls(None, None), &ProxyChoice::Direct),
            digest(&tls(Some("a"), None), &ProxyChoice::AsAll),
            digest(&tls(None, Some("a")), &ProxyChoice::AsAll),
            digest(&tls(Some(""), Some("a")), &ProxyChoice::AsAll),
            digest(&tls(None, None), &ProxyChoice::Through(Uri::from_static("http://a"))),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(all.iter().skip(at + 1).all(|other| other != one), "{at}");
        }
    }
}
