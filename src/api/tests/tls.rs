//! The API over TLS, and who is known by a certificate.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use reqwest::{Certificate, Identity};
use serde_json::{Value, json};

use super::{Bench, api, server as new_server};
use crate::access::{Client, Mark, Role};
use crate::api::server::Server;
use crate::config::Api;
use crate::tls;

/// An authority, and what it has vouched for, in a folder.
struct Authority {
    folder: tempfile::TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let folder = tempfile::tempdir().expect("a folder");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        fs::write(folder.path().join("ca.pem"), issuer.pem()).expect("it is written");
        Authority { folder, issuer }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Vouches for a certificate with that name; its PEM file ends with the key.
    fn vouch(&self, file: &str, common_name: &str) {
        let mut params = CertificateParams::new(vec!["localhost".into()]).expect("a name");
        params.distinguished_name.push(DnType::CommonName, common_name);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let text = certificate.pem() + &key.serialize_pem();
        fs::write(self.path(file), text).expect("it is written");
    }

    fn settings(&self, are_required: bool) -> Api {
        self.vouch("server.pem", "tripline");
        let identity = tls::Identity { certificate: self.path("server.pem"), key: self.path("server.pem") };
        let authority = tls::ClientAuthority { authority: self.path("ca.pem"), are_required };
        let client = |subject: &str, role| Client { mark: Mark::subject(subject).expect("a subject"), role };
        Api {
            tls: Some(tls::ServerSettings { identity, clients: Some(authority) }),
            clients: vec![client("CN=grafana", Role::Read), client("CN=ana", Role::Admin)],
            ..api()
        }
    }
}

/// What a client with that certificate hears of who it is.
async fn me(address: SocketAddr, ca: &Path, own: Option<&Path>) -> Result<(u16, Value), reqwest::Error> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ca = Certificate::from_pem(&fs::read(ca).expect("a file")).expect("a certificate");
    let mut client = reqwest::Client::builder().no_proxy().tls_certs_only([ca]);
    if let Some(own) = own {
        client = client.identity(Identity::from_pem(&fs::read(own).expect("a file")).expect("a certificate"));
    }
    let url = format!("https://localhost:{}/v1/me", address.port());
    let answer = client.resolve("localhost", address).build()?.get(url).send().await?;
    let status = answer.status().as_u16();
    Ok((status, serde_json::from_slice(&answer.bytes().await?).expect("JSON")))
}

async fn serve(api: &Api) -> (Server, SocketAddr) {
    let mut server = new_server(&Bench::new().control, None);
    let address = server.listen(api).await.expect("a free port");
    (server, address)
}

#[tokio::test]
async fn who_shows_a_certificate_has_the_role_of_its_subject() {
    let authority = Authority::new();
    let (server, address) = serve(&authority.settings(false)).await;
    for (name, role) in [("grafana", "read"), ("ana", "admin")] {
        authority.vouch("client.pem", name);
        let (status, said) = me(address, &authority.path("ca.pem"), Some(&authority.path("client.pem")))
            .await
            .expect("an answer");
        assert_eq!(
            (status, said),
            (200, json!({"name": format!("CN={name}"), "by": "certificate", "role": role}))
        );
    }
    authority.vouch("client.pem", "eve");
    let (status, said) =
        me(address, &authority.path("ca.pem"), Some(&authority.path("client.pem"))).await.expect("an answer");
    let detail = said["detail"].as_str().expect("a text");
    assert_eq!((status, detail.contains("CN=eve")), (401, true), "{detail}");
    let (status, _) = me(address, &authority.path("ca.pem"), None).await.expect("an answer");
    assert_eq!(status, 401);
    server.stop().await;
}

#[tokio::test]
async fn who_shows_no_certificate_or_that_of_others_is_turned_away() {
    let authority = Authority::new();
    let (server, address) = serve(&authority.settings(true)).await;
    assert!(me(address, &authority.path("ca.pem"), None).await.is_err());
    let others = Authority::new();
    others.vouch("client.pem", "ana");
    assert!(me(address, &authority.path("ca.pem"), Some(&others.path("client.pem"))).await.is_err());
    authority.vouch("client.pem", "ana");
    let (status, _) =
        me(address, &authority.path("ca.pem"), Some(&authority.path("client.pem"))).await.expect("an answer");
    assert_eq!(status, 200);
    // The service was asked in the clear.
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().expect("a client");
    assert!(http.get(format!("http://{address}/livez")).send().await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn a_key_that_does_not_fit_is_told_at_the_start() {
    let authority = Authority::new();
    let mut api = authority.settings(true);
    authority.vouch("other.pem", "tripline");
    api.tls.as_mut().expect("it speaks TLS").identity.key = authority.path("other.pem");
    let mut server = new_server(&Bench::new().control, None);
    let error = server.listen(&api).await.expect_err("it does not fit").to_string();
    assert!(
        error.starts_with("the API cannot speak TLS: the key `") && error.contains("does not fit"),
        "{error}"
    );
}
