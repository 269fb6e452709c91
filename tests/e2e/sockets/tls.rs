//! TLS, as the server and as the client.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::harness::{Folder, RULES, Service, TCP, event, text};
use crate::receiver::Receiver;

use super::certificates::{Authority, Valid};
use super::send;

type Encrypted = StreamOwned<ClientConnection, TcpStream>;

fn roots(authority: &Authority) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(&authority.pem())).expect("an authority");
    roots
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")
}

fn key(pem: &str) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).expect("a key")
}

/// A client that trusts an authority and shows what it was given.
fn encrypt(stream: TcpStream, trusted: &Authority, shown: Option<(String, String)>) -> Encrypted {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("there are some")
        .with_root_certificates(roots(trusted));
    let config = match shown {
        None => config.with_no_client_auth(),
        Some((chain, secret)) => {
            config.with_client_auth_cert(vec![certificate(&chain)], key(&secret)).expect("it fits")
        }
    };
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    StreamOwned::new(connection, stream)
}

/// Says good-bye, as TLS asks for, without having read anything: a server that had sent something
/// would have what was on its way to it thrown away by the system.
fn close(mut stream: Encrypted) {
    stream.conn.send_close_notify();
    stream.flush().expect("sent");
}

/// Whether the server refuses a client, however it does.
fn is_refused(mut stream: Encrypted) -> bool {
    let sent = stream.write_all(event("unwanted", 500.0).as_bytes()).and_then(|()| stream.flush());
    sent.is_err() || !matches!(stream.read(&mut [0]), Ok(1))
}

fn server(authority: &Authority, valid: Valid, more: &str) -> (Service, Receiver) {
    let receiver = Receiver::start([]);
    let folder = Folder::new();
    authority.write(&folder, "server", valid);
    let config = format!(
        "{TCP}tls_cert = \"server.pem\"\ntls_key = \"server.key\"\n{more}\n{}",
        receiver.sink("desk", "")
    );
    (Service::start_in(folder, RULES, &config), receiver)
}

fn why_no_agreement(service: &mut Service, part: &str) {
    service.wait_for("no agreement on TLS", |line| {
        line["reason"].as_str().is_some_and(|reason| reason.contains(part))
    });
}

#[test]
fn who_cannot_agree_is_turned_away_and_harms_nobody() {
    let ours = Authority::new("ours");
    let (mut service, receiver) = server(&ours, Valid::Now, "");
    // Says nothing, for as long as the test runs.
    let silent = service.connect("auth");
    let mut good = encrypt(service.connect("auth"), &ours, None);
    send(&mut good, &event("encrypted", 500.0));
    assert_eq!(receiver.next().event(), "encrypted");
    let mut plain = service.connect("auth");
    send(&mut plain, &event("plain", 500.0));
    why_no_agreement(&mut service, "not TLS");
    assert!(is_refused(encrypt(service.connect("auth"), &Authority::new("other"), None)));
    why_no_agreement(&mut service, "does not trust the authority");
    send(&mut good, event("last", 500.0).trim_end());
    close(good);
    assert_eq!(receiver.next().event(), "last");
    drop(silent);
    why_no_agreement(&mut service, "went away");
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    let total = ended.total("source", "auth");
    assert_eq!(
        (&total["events"], &total["tls_failures"], &total["rejected"]),
        (&2.into(), &3.into(), &0.into())
    );
}

#[test]
fn a_handshake_that_has_begun_does_not_delay_stopping() {
    let (mut service, _receiver) = server(&Authority::new("ours"), Valid::Now, "");
    let stuck = service.connect("auth");
    let mut next = service.connect("auth");
    send(&mut next, "x\n");
    why_no_agreement(&mut service, "not TLS");
    assert!(service.stop().status.success());
    drop(stuck);
}

#[test]
fn clients_must_show_a_certificate_where_it_is_demanded() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let receiver = Receiver::start([]);
    let folder = Folder::new();
    ours.write(&folder, "server", Valid::Now);
    theirs.write(&folder, "clients", Valid::Now);
    let config = format!(
        "{TCP}tls_cert = \"server.pem\"\ntls_key = \"server.key\"\ntls_client_ca = \"clients-ca.pem\"\n{}",
        receiver.sink("desk", "")
    );
    let mut service = Service::start_in(folder, RULES, &config);
    assert!(is_refused(encrypt(service.connect("auth"), &ours, None)));
    why_no_agreement(&mut service, "shows no certificate");
    let expired = theirs.certify(Valid::Expired);
    assert!(is_refused(encrypt(service.connect("auth"), &ours, Some(expired))));
    why_no_agreement(&mut service, "expired");
    let foreign = Authority::new("nobody").certify(Valid::Now);
    assert!(is_refused(encrypt(service.connect("auth"), &ours, Some(foreign))));
    why_no_agreement(&mut service, "authority that is not trusted");
    let mut good = encrypt(service.connect("auth"), &ours, Some(theirs.certify(Valid::Now)));
    send(&mut good, &event("known", 500.0));
    assert_eq!(receiver.next().event(), "known");
    close(good);
    let total = service.stop().total("source", "auth");
    assert_eq!((&total["events"], &total["tls_failures"]), (&1.into(), &3.into()));
}

/// A server that is there once for each identity, one after the other; it sends an event with the
/// name it was given and closes.
fn serve(identities: Vec<(&'static str, (String, String))>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for (name, (chain, secret)) in identities {
            let (stream, _) = listener.accept().expect("a client");
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = ServerConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .expect("there are some")
                .with_no_client_auth()
                .with_single_cert(vec![certificate(&chain)], key(&secret))
                .expect("it fits");
            let connection = ServerConnection::new(Arc::new(config)).expect("a server");
            let mut stream = StreamOwned::new(connection, stream);
            let sent = stream.write_all(event(name, 500.0).as_bytes()).and_then(|()| stream.flush());
            assert!(sent.is_ok() || name.starts_with("wrong"), "{sent:?}");
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    port
}

#[test]
fn a_client_believes_only_servers_that_it_should() {
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let port = serve(vec![
        ("wrong authority", other.certify(Valid::Now)),
        ("wrong time", ours.certify(Valid::Expired)),
        ("right", ours.certify(Valid::Now)),
    ]);
    let receiver = Receiver::start([]);
    let folder = Folder::new();
    ours.write(&folder, "ours", Valid::Now);
    let config = format!(
        "[sources.auth]\ntype = \"tcp_client\"\nstream = \"auth\"\naddress = \"localhost:{port}\"\n\
         backoff = \"1ms\"\nmax_backoff = \"20ms\"\ntls = true\ntls_ca = \"ours-ca.pem\"\n{}",
        receiver.sink("desk", "")
    );
    let mut service = Service::start_in(folder, RULES, &config);
    assert_eq!(receiver.next().event(), "right");
    let said = |part: &'static str| {
        move |line: &serde_json::Value| line["why"].as_str().is_some_and(|why| why.contains(part))
    };
    service.wait_for("not connected", said("authority that is not trusted"));
    service.wait_for("not connected", said("has expired"));
    let total = service.stop().total("source", "auth");
    assert_eq!((&total["events"], &total["tls_failures"]), (&1.into(), &2.into()));
}

#[test]
fn a_certificate_for_another_name_is_not_believed() {
    let ours = Authority::new("ours");
    let port = serve(vec![("wrong name", ours.certify(Valid::Now))]);
    let folder = Folder::new();
    ours.write(&folder, "ours", Valid::Now);
    let config = format!(
        "[sources.auth]\ntype = \"tcp_client\"\nstream = \"auth\"\naddress = \"127.0.0.1:{port}\"\n\
         tls = true\ntls_ca = \"ours-ca.pem\"\ntls_name = \"events.example.com\"\n\
         [sinks.desk]\ntype = \"stdout\"\n"
    );
    let mut service = Service::start_in(folder, RULES, &config);
    service.wait_for("not connected", |line| {
        line["why"].as_str().is_some_and(|why| why.contains("events.example.com"))
    });
    assert!(service.stop().status.success());
}

/// What is wrong with the files is said at the start, before anything is read.
#[test]
fn files_that_cannot_be_used_are_named_at_the_start() {
    let folder = Folder::new();
    folder.write("rules/test.trip", RULES);
    Authority::new("ours").write(&folder, "one", Valid::Now);
    Authority::new("ours").write(&folder, "two", Valid::Now);
    folder.write("empty.pem", "");
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    folder.write("locked.key", locked);
    folder.write("torn.pem", folder.read("one.pem").split_at(200).0);
    let cases = [
        ("tls_cert = \"none.pem\"\ntls_key = \"one.key\"", "cannot read `none.pem`"),
        ("tls_cert = \"empty.pem\"\ntls_key = \"one.key\"", "`empty.pem` holds no certificate"),
        ("tls_cert = \"torn.pem\"\ntls_key = \"one.key\"", "a section of it does not end"),
        ("tls_cert = \"one.pem\"\ntls_key = \"one.pem\"", "`one.pem` holds no private key"),
        ("tls_cert = \"one.pem\"\ntls_key = \"locked.key\"", "locked by a password"),
        ("tls_cert = \"one.pem\"\ntls_key = \"two.key\"", "the key `two.key` does not fit"),
        (
            "tls_cert = \"one.pem\"\ntls_key = \"one.key\"\ntls_client_ca = \"one.key\"",
            "`one.key` holds no certificate of an authority",
        ),
    ];
    for (keys, expected) in cases {
        let config = format!("rules = \"rules\"\n{TCP}{keys}\n[sinks.desk]\ntype = \"stdout\"\n");
        folder.write("tripline.toml", config);
        let output = folder.run(&["run"]);
        let said = text(&output.stderr);
        assert!(!output.status.success() && said.contains(expected), "{keys}\n{said}");
        assert!(said.contains("the source `auth`"), "{said}");
    }
}

/// A connection that ends without a farewell may have lost its end; what came counts.
#[test]
fn a_connection_that_is_cut_is_reported() {
    let ours = Authority::new("ours");
    let (mut service, receiver) = server(&ours, Valid::Now, "");
    let mut cut = encrypt(service.connect("auth"), &ours, None);
    send(&mut cut, &event("came", 500.0));
    assert_eq!(receiver.next().event(), "came");
    cut.sock.shutdown(std::net::Shutdown::Both).expect("it is open");
    let line = service.wait_for("reading failed", |_| true);
    assert!(line["error"].as_str().is_some_and(|error| error.contains("farewell")), "{line}");
    assert!(service.stop().status.success());
}
