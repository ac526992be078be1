//! The client certificate that Meta presents where an app asks for it, from a test authority of our own; and whom the sender
//! trusts. Files are the caller's.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// The common name of Meta's client certificate.
pub const CLIENT_NAME: &str = "client.webhooks.fbclientcerts.com";

/// A test authority, and the client certificate that it signed. All PEM.
#[derive(Clone)]
pub struct Identity {
    /// What a receiver trusts.
    pub authority: String,
    /// The certificate that is presented.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity")
    }
}

/// Certificates cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// They cannot be made.
    #[error("a test certificate cannot be made")]
    Make(#[from] rcgen::Error),
    /// The PEM cannot be read.
    #[error("the PEM has no certificate or key that can be read")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// They do not fit.
    #[error("the certificates cannot be used")]
    Use(#[from] rustls::Error),
}

impl Identity {
    /// A new authority and a new certificate.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub fn make() -> Result<Self, TlsError> {
        let authority_key = KeyPair::generate()?;
        let mut authority = CertificateParams::new(Vec::<String>::new())?;
        authority.distinguished_name.push(DnType::CommonName, "Waypost emulator's test authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = authority.self_signed(&authority_key)?;
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate()?;
        let mut client = CertificateParams::new(vec![CLIENT_NAME.to_owned()])?;
        client.distinguished_name.push(DnType::CommonName, CLIENT_NAME);
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let client = client.signed_by(&key, &issuer)?;
        Ok(Self { authority: certificate.pem(), certificate: client.pem(), key: key.serialize_pem() })
    }
}

/// How the sender speaks TLS: the public authorities and this one besides, with this client certificate.
///
/// # Errors
/// If the PEM is none, or the key does not fit the certificate.
pub fn client(trusted: Option<&str>, identity: Option<&Identity>) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = trusted {
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            roots.add(certificate?)?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let Some(identity) = identity else { return Ok(config.with_no_client_auth()) };
    let chain = CertificateDer::pem_slice_iter(identity.certificate.as_bytes()).collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes())?;
    Ok(config.with_client_auth_cert(chain, key)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]
    use super::*;

    #[test]
    fn a_made_identity_can_be_presented_and_its_key_is_never_shown() {
        let identity = Identity::make().unwrap();
        assert!(client(Some(&identity.authority), Some(&identity)).is_ok());
        assert!(client(None, None).is_ok());
        assert_eq!(format!("{identity:?}"), "Identity");
        let other = Identity { key: Identity::make().unwrap().key, ..identity };
        assert!(client(None, Some(&other)).is_err(), "a key of another certificate");
        assert!(client(Some("-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----"), None).is_err());
    }
}
