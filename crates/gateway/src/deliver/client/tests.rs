//! Real TLS with a private authority and client certificates, a real proxy that takes CONNECT, and names that change their
//! address.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail loudly")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use hyper::Uri;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::super::connect::Lookup;
use super::super::guard::{Guard, Refused};
use super::super::link::Link;
use super::{Client, SendError};
use crate::endpoint::{ProxyChoice, TlsInput};
use crate::settings::OutboundSettings;

/// An authority of one's own.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key, PEM.
struct Identity {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn signs(&self, name: &str, purpose: ExtendedKeyUsagePurpose) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![purpose];
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Identity { certificate, key: key.serialize_pem() }
    }
}

/// A server that speaks TLS as `endpoint.test`, and demands a certificate of this authority where one is given.
async fn tls_server(authority: &Authority, clients: Option<&Authority>) -> SocketAddr {
    let Identity { certificate, key } = authority.signs("endpoint.test", ExtendedKeyUsagePurpose::ServerAuth);
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(clients.pem.as_bytes()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let config = builder.with_single_cert(chain, key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    serve(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                answer(stream).await;
            }
        }
    })
    .await
}

async fn plain_server() -> SocketAddr {
    serve(answer).await
}

async fn serve<F: Future<Output = ()> + Send + 'static>(each: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(each(stream));
        }
    });
    at
}

/// Reads one request and answers 204.
async fn answer(stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) {
    let mut stream = BufReader::new(stream);
    if head(&mut stream).await.is_some() {
        drop(stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await);
        drop(stream.shutdown().await);
    }
}

/// The first line of a request whose head was read to its end.
async fn head(stream: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> Option<String> {
    let mut first = None;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            return first;
        }
        first.get_or_insert(line.trim().to_owned());
    }
}

/// A proxy that takes CONNECT and knows one target by any name. What it was asked for is noted.
async fn proxy(target: SocketAddr) -> (Uri, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    let at = serve(move |stream| {
        let noted = Arc::clone(&noted);
        async move {
            let mut stream = BufReader::new(stream);
            let Some(line) = head(&mut stream).await else { return };
            let refused = line.contains("refused.test");
            noted.lock().unwrap().push(line);
            if refused {
                drop(stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await);
                return;
            }
            let mut onward = TcpStream::connect(target).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
            drop(tokio::io::copy_bidirectional(&mut stream.into_inner(), &mut onward).await);
        }
    })
    .await;
    (format!("http://{at}").parse().unwrap(), asked)
}

fn guard(networks: &[&str]) -> Guard {
    let settings = OutboundSettings {
        allow_networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
        ..OutboundSettings::default()
    };
    Guard::new(&settings, false)
}

const LOOPBACK: &[&str] = &["127.0.0.0/8"];

/// Every name is this machine.
fn here(_: &str) -> Vec<IpAddr> {
    vec![Ipv4Addr::LOCALHOST.into()]
}

fn local_client() -> Client {
    Client::with_lookup(guard(LOOPBACK), None, Lookup::Fixed(here))
}

async fn post(client: &Client, link: Option<&Link>, url: &str) -> Result<u16, SendError> {
    let request = hyper::Request::post(url).body(http_body_util::Full::default()).unwrap();
    client.send(link, request, std::time::Duration::from_secs(5)).await.map(|response| response.status().as_u16())
}

fn link(tls: &TlsInput, proxy: ProxyChoice) -> Link {
    Link::new(tls, proxy).unwrap().unwrap()
}

fn trusting(authority: &Authority, identity: Option<&Identity>) -> TlsInput {
    TlsInput {
        ca: Some(authority.pem.clone()),
        client_certificate: identity.map(|identity| identity.certificate.clone()),
        client_key: identity.map(|identity| identity.key.clone()),
    }
}

#[tokio::test]
async fn a_private_authority_is_trusted_by_the_endpoint_that_names_it_and_by_no_other() {
    let (ours, other) = (Authority::new(), Authority::new());
    let at = tls_server(&ours, None).await;
    let client = local_client();
    let url = format!("https://endpoint.test:{}/", at.port());
    let trusts = link(&trusting(&ours, None), ProxyChoice::AsAll);
    assert_eq!(post(&client, Some(&trusts), &url).await.unwrap(), 204);
    assert!(matches!(post(&client, None, &url).await, Err(SendError::Tls)));
    let trusts_other = link(&trusting(&other, None), ProxyChoice::AsAll);
    assert!(matches!(post(&client, Some(&trusts_other), &url).await, Err(SendError::Tls)));
    let wrong_name = format!("https://other.test:{}/", at.port());
    assert!(matches!(post(&client, Some(&trusts), &wrong_name).await, Err(SendError::Tls)));
}

#[tokio::test]
async fn a_server_that_demands_a_certificate_gets_that_of_the_endpoint() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let at = tls_server(&servers, Some(&clients)).await;
    let url = format!("https://endpoint.test:{}/", at.port());
    let client = local_client();
    let known = clients.signs("waypost.test", ExtendedKeyUsagePurpose::ClientAuth);
    let known = link(&trusting(&servers, Some(&known)), ProxyChoice::AsAll);
    assert_eq!(post(&client, Some(&known), &url).await.unwrap(), 204);
    let stranger = Authority::new().signs("waypost.test", ExtendedKeyUsagePurpose::ClientAuth);
    for identity in [None, Some(&stranger)] {
        let unknown = link(&trusting(&servers, identity), ProxyChoice::AsAll);
        assert!(post(&client, Some(&unknown), &url).await.is_err(), "{:?}", identity.is_some());
    }
}

#[test]
fn a_key_that_does_not_fit_its_certificate_is_refused() {
    let authority = Authority::new();
    let [one, other] = [0, 1].map(|_| authority.signs("waypost.test", ExtendedKeyUsagePurpose::ClientAuth));
    let mixed = Identity { certificate: one.certificate, key: other.key };
    let bad = trusting(&authority, Some(&mixed)).config().unwrap_err();
    assert_eq!(bad.member, "tls.client_key");
}

#[tokio::test]
async fn a_proxy_is_asked_for_the_target_and_tls_goes_through_it_to_the_end() {
    let authority = Authority::new();
    let at = tls_server(&authority, None).await;
    let (proxy, asked) = proxy(at).await;
    // The target's name need not resolve here.
    let client = Client::with_lookup(guard(LOOPBACK), None, Lookup::Fixed(|_| Vec::new()));
    let through = link(&trusting(&authority, None), ProxyChoice::Through(proxy));
    assert_eq!(post(&client, Some(&through), "https://endpoint.test/hook").await.unwrap(), 204);
    assert_eq!(*asked.lock().unwrap(), ["CONNECT endpoint.test:443 HTTP/1.1"]);
}

#[tokio::test]
async fn the_proxy_for_all_is_taken_unless_the_endpoint_goes_without() {
    let at = plain_server().await;
    let (proxy, asked) = proxy(at).await;
    let mut settings =
        OutboundSettings { allow_hosts: vec!["endpoint.test".to_owned()], ..OutboundSettings::default() };
    settings.allow_networks = vec!["127.0.0.0/8".parse().unwrap()];
    let client = Client::with_lookup(Guard::new(&settings, false), Some(proxy), Lookup::Fixed(here));
    let url = format!("http://endpoint.test:{}/", at.port());
    assert_eq!(post(&client, None, &url).await.unwrap(), 204);
    assert_eq!(post(&client, None, "http://endpoint.test/").await.unwrap(), 204);
    let expected =
        [format!("CONNECT endpoint.test:{} HTTP/1.1", at.port()), "CONNECT endpoint.test:80 HTTP/1.1".to_owned()];
    assert_eq!(*asked.lock().unwrap(), expected);
    let direct = link(&TlsInput::default(), ProxyChoice::Direct);
    assert_eq!(post(&client, Some(&direct), &url).await.unwrap(), 204);
    assert_eq!(asked.lock().unwrap().len(), 2);
    let refused = post(&client, None, "https://refused.test/").await.unwrap_err();
    assert_eq!(refused.to_string(), "the proxy gave no connection: it refused the target");
}

#[tokio::test]
async fn the_guard_holds_for_the_proxy_and_for_what_lies_behind_it() {
    let (proxy, asked) = proxy(plain_server().await).await;
    let through = link(&TlsInput::default(), ProxyChoice::Through(proxy.clone()));
    let strict = Client::with_lookup(guard(&[]), None, Lookup::Fixed(here));
    let refused = |answer: Result<u16, SendError>| match answer {
        Err(SendError::Refused(refused)) => refused,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(post(&strict, Some(&through), "https://example.com/").await), Refused::Address);
    let by_name = ProxyChoice::Through(format!("http://proxy.test:{}", proxy.port_u16().unwrap()).parse().unwrap());
    let by_name = link(&TlsInput::default(), by_name);
    assert_eq!(refused(post(&strict, Some(&by_name), "https://example.com/").await), Refused::Address);

    let client = local_client();
    for target in [
        "https://10.0.0.1/",
        "https://169.254.169.254/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://localhost/",
        "https://a.localhost./",
    ] {
        assert_eq!(refused(post(&client, Some(&through), target).await), Refused::Address, "{target}");
    }
    // TLS takes none of these for a name; whatever it does, nothing goes out.
    for target in ["https://127.1/", "https://2130706433/", "https://0x7f000001/"] {
        assert!(post(&client, Some(&through), target).await.is_err(), "{target}");
        assert!(post(&client, Some(&through), &target.replace("https", "http")).await.is_err(), "{target}");
    }
    assert_eq!(refused(post(&client, Some(&through), "http://example.com/").await), Refused::PlainHttp);
    assert!(asked.lock().unwrap().is_empty(), "the proxy was never asked");
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_told_as_that() {
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = nobody.local_addr().unwrap();
    drop(nobody);
    let through = link(&TlsInput::default(), ProxyChoice::Through(format!("http://{at}").parse().unwrap()));
    let told = post(&local_client(), Some(&through), "https://example.com/").await.unwrap_err();
    assert_eq!(told.to_string(), "the proxy gave no connection: it cannot be reached, or broke off");
}

/// A name with a public address and a private one.
fn two_faced(_: &str) -> Vec<IpAddr> {
    vec!["10.0.0.1".parse().unwrap(), Ipv4Addr::LOCALHOST.into()]
}

static ASKED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

/// Public when it is looked up first, private when it is looked up again.
fn rebinding(_: &str) -> Vec<IpAddr> {
    match ASKED.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => here(""),
        _ => vec!["10.0.0.1".parse().unwrap()],
    }
}

#[tokio::test]
async fn a_name_is_connected_to_the_address_that_was_judged_and_judged_anew_each_time() {
    let at = plain_server().await;
    let url = format!("http://endpoint.test:{}/", at.port());
    // The guard allows loopback alone: of the two addresses only that one is tried.
    let client = Client::with_lookup(guard(LOOPBACK), None, Lookup::Fixed(two_faced));
    assert_eq!(post(&client, None, &url).await.unwrap(), 204);
    let client = Client::with_lookup(guard(LOOPBACK), None, Lookup::Fixed(rebinding));
    assert_eq!(post(&client, None, &url).await.unwrap(), 204);
    assert!(matches!(post(&client, None, &url).await, Err(SendError::Refused(Refused::Address))));
    assert_eq!(ASKED.load(std::sync::atomic::Ordering::SeqCst), 2, "one look-up for each connection, and none besides");
}

#[tokio::test]
async fn endpoints_with_the_same_way_share_a_pool_and_others_do_not() {
    let client = local_client();
    let authority = Authority::new();
    let at = tls_server(&authority, None).await;
    let url = format!("https://endpoint.test:{}/", at.port());
    for _ in 0..3 {
        let same = link(&trusting(&authority, None), ProxyChoice::AsAll);
        assert_eq!(post(&client, Some(&same), &url).await.unwrap(), 204);
    }
    assert_eq!(client.own.pools.lock().unwrap().by_link.len(), 1);
    let other = link(&trusting(&authority, None), ProxyChoice::Direct);
    assert_eq!(post(&client, Some(&other), &url).await.unwrap(), 204);
    assert_eq!(client.own.pools.lock().unwrap().by_link.len(), 2);
}

mod causes {
    use std::io::Error;

    use super::super::*;

    #[test]
    fn what_this_machine_ran_out_of_is_a_fault_of_ours() {
        for code in [23, 24, 99] {
            let failure = classify_io(&Error::from_raw_os_error(code), true);
            assert_eq!(failure.map(|failure| failure.answer()), Some(Answer::Fault), "{code}");
        }
        let refused = classify_io(&Error::from_raw_os_error(111), true);
        assert_eq!(refused.map(|failure| failure.answer()), Some(Answer::NoAnswer));
    }

    #[test]
    fn an_error_that_another_wraps_is_found() {
        let tls = Error::new(std::io::ErrorKind::InvalidData, "a bad record");
        let wrapped = Error::other(Error::other(tls));
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&wrapped);
        let mut depth = 0;
        while let Some(current) = cause {
            let io = current.downcast_ref::<Error>();
            if io.and_then(|io| classify_io(io, true)).is_some() {
                break;
            }
            depth += 1;
            cause = beneath(current);
        }
        assert_eq!(depth, 2);
    }
}
