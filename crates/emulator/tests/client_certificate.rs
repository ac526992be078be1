//! The client certificate, seen by a receiver that demands one over TLS, as Meta's callers may.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::sync::Arc;
use std::time::Duration;

use emulator::tls::{self, CLIENT_NAME, Identity};
use emulator::{Sender, SignatureHeaders, Target};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A receiver that trusts this authority's clients alone; its own certificate, and the certificates that it was shown.
async fn receiver(authority: &str) -> (Target, String, tokio::sync::mpsc::Receiver<Vec<u8>>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let mut trusted = RootCertStore::empty();
    trusted.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(trusted), Arc::clone(&provider)).build().unwrap();
    let key = PrivateKeyDer::from_pem_slice(signing_key.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (shown, seen) = tokio::sync::mpsc::channel(4);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let certificate = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
            drop(stream.read(&mut [0; 4_096]).await);
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await);
            shown.send(certificate).await.unwrap();
        }
    });
    (Target::parse(&format!("https://localhost:{port}/")).unwrap(), cert.pem(), seen)
}

async fn status(sender: &Sender, target: &Target) -> Option<u16> {
    sender.send(target, "{}".into(), &SignatureHeaders::default()).await.result.ok()
}

#[tokio::test]
async fn a_receiver_that_demands_a_certificate_gets_metas_name_from_the_test_authority() {
    let identity = Identity::make().unwrap();
    let (target, receivers_own, mut seen) = receiver(&identity.authority).await;
    let timeout = Duration::from_secs(5);
    let sender = Sender::with_tls(tls::client(Some(&receivers_own), Some(&identity)).unwrap(), timeout);
    assert_eq!(status(&sender, &target).await, Some(200));
    let shown = seen.recv().await.unwrap();
    assert!(shown.windows(CLIENT_NAME.len()).any(|bytes| bytes == CLIENT_NAME.as_bytes()));

    let without = Sender::with_tls(tls::client(Some(&receivers_own), None).unwrap(), timeout);
    assert_eq!(status(&without, &target).await, None, "no certificate, no connection");
    let other = Identity::make().unwrap();
    let of_another = Sender::with_tls(tls::client(Some(&receivers_own), Some(&other)).unwrap(), timeout);
    assert_eq!(status(&of_another, &target).await, None, "another authority's");
    let untrusting = Sender::with_tls(tls::client(None, Some(&identity)).unwrap(), timeout);
    assert_eq!(status(&untrusting, &target).await, None, "Meta always verifies the receiver");
}
