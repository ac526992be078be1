//! TLS to the server, by `sslmode`.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::*;
use crate::error::StoreError;

/// Gives a server a certificate for 127.0.0.1, and gives the authority's.
fn encrypt(server: &mut Server) -> String {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let certificate = server.put("server.crt", &certificate.pem()).unwrap();
    let key = server.put("server.key", &key.serialize_pem()).unwrap();
    server.set(&[("ssl", "on"), ("ssl_cert_file", &certificate), ("ssl_key_file", &key)]).unwrap();
    server.restart().unwrap();
    authority.pem()
}

async fn is_encrypted(options: PostgresOptions) -> Result<bool, StoreError> {
    static SSL: Sql = Sql::new("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]);
    let pool = Pool::open(options).await?;
    let mut tx = pool.begin(Mode::Read).await.unwrap();
    let row = tx.query_one(&SSL, &[]).await.unwrap();
    tx.commit().await.unwrap();
    Ok(cell(&row, 0).unwrap())
}

#[tokio::test]
async fn each_sslmode_asks_for_what_it_says() {
    let Some(mut server) = private_postgres::server() else { return };
    let options = |url: &str, mode: &str| PostgresOptions::parse(&format!("{url}?sslmode={mode}")).unwrap();
    let url = server.url();
    assert!(!is_encrypted(options(&url, "prefer")).await.unwrap());
    assert!(is_encrypted(options(&url, "require")).await.is_err(), "the server has no TLS yet");

    let authority = encrypt(&mut server);
    assert!(!is_encrypted(options(&url, "disable")).await.unwrap());
    assert!(is_encrypted(options(&url, "prefer")).await.unwrap());
    assert!(is_encrypted(options(&url, "require")).await.unwrap());
    assert!(is_encrypted(options(&url, "verify-full")).await.is_err(), "no public authority knows it");
    let verified = options(&url, "verify-full").with_root_certificates(authority.clone());
    assert!(is_encrypted(verified).await.unwrap());
    let other_name = url.replace("127.0.0.1", "localhost");
    let wrong = options(&other_name, "verify-full").with_root_certificates(authority);
    let told = is_encrypted(wrong).await.unwrap_err().to_string();
    assert!(told.contains("certificate"), "{told}");
}

#[tokio::test]
async fn a_file_without_authorities_is_told() {
    let options = PostgresOptions::parse("postgres://a@db.internal/a?sslmode=verify-full").unwrap();
    let told = Pool::open(options.with_root_certificates("nothing".to_owned())).await.err().unwrap();
    assert!(matches!(&told, StoreError::Unfit { why } if why.contains("sslrootcert")), "{told}");
}
