//! What becomes of alerts that a receiver does not take: dead letters, a fallback, a receiver that is gone; and sinks that
//! are tried out.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

use crate::harness::{Folder, PATIENCE, RULES, Service, TCP, event, text};
use crate::receiver::{Answer, Receiver};

/// Quick retries, so that tests are quick.
const QUICK: &str = "backoff = \"1ms\"\nmax_backoff = \"5ms\"\nmax_pause = \"5ms\"";

fn config(state: &Path, sinks: &str) -> String {
    format!("[state]\npath = \"{}\"\n{TCP}{sinks}", state.display())
}

/// Runs the binary in a folder; gives its exit code, standard output and standard error.
fn run(folder: &Folder, arguments: &[&str]) -> (i32, String, String) {
    let output = folder.run(arguments);
    let code = output.status.code().expect("it ended by itself");
    (code, text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
}

/// What `tripline outbox list --json` says, once it fits.
pub fn outbox(folder: &Folder, fits: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (code, out, err) = run(folder, &["outbox", "list", "--json"]);
        assert_eq!(code, 0, "{err}");
        let view: Value = serde_json::from_str(&out).expect("JSON");
        if fits(&view) {
            return view;
        }
        assert!(Instant::now() < deadline, "{view:#}");
    }
}

fn count(view: &Value, of: &str) -> usize {
    view[of].as_array().expect("a list").len()
}

#[test]
fn what_was_given_up_is_listed_sent_again_and_dropped() {
    let state = Folder::new();
    let receiver = Receiver::start([Answer::Status("400 No\r\n"), Answer::Status("400 No\r\n")]);
    let mut service = Service::start(RULES, &config(&state.path().join("s"), &receiver.sink("desk", QUICK)));
    let mut client = service.connect("auth");
    client.write_all(format!("{}{}", event(1, 500.0), event(2, 500.0)).as_bytes()).expect("sent");
    let ids = [receiver.next().id().to_owned(), receiver.next().id().to_owned()];
    let view = outbox(&service.folder, |view| count(view, "dead") == 2);
    assert_eq!((&view["dead"][0]["id"], &view["dead"][1]["sink"]), (&ids[0].as_str().into(), &"desk".into()));
    assert!(view["dead"][0]["error"].as_str().expect("a reason").contains("400"), "{view:#}");
    let (code, out, _) = run(&service.folder, &["outbox", "list"]);
    assert!(code == 0 && out.contains("given up, the last last:") && out.contains(&ids[0]), "{out}");
    let (code, _, err) = run(&service.folder, &["outbox", "retry"]);
    assert!(code == 2 && err.contains("say which"), "{err}");
    let (code, out, _) = run(&service.folder, &["outbox", "drop", &ids[0]]);
    assert_eq!((code, &*out), (0, "1 alert is dropped\n"));
    let (code, out, _) = run(&service.folder, &["outbox", "retry", "--sink", "desk", "--dry-run"]);
    assert_eq!((code, &*out), (0, "1 alert would be sent again\n"));
    let (code, out, _) = run(&service.folder, &["outbox", "retry", "--sink", "desk"]);
    assert_eq!((code, &*out), (0, "1 alert is sent again\n"));
    assert_eq!(receiver.next().id(), ids[1], "it is the same alert");
    outbox(&service.folder, |view| count(view, "dead") == 0 && count(view, "waiting") == 0);
    let (code, _, _) = run(&service.folder, &["outbox", "drop", &ids[0]]);
    assert_eq!(code, 1, "it is not there any more");
    assert!(service.stop().status.success());
}

#[test]
fn what_waits_is_tried_at_once_or_dropped_when_somebody_wants_it() {
    let state = Folder::new();
    let receiver = Receiver::start([Answer::Status("429 Slow\r\nretry-after: 3600\r\n")]);
    let mut service = Service::start(RULES, &config(&state.path().join("s"), &receiver.sink("desk", QUICK)));
    let mut client = service.connect("auth");
    client.write_all(format!("{}{}", event(1, 500.0), event(2, 500.0)).as_bytes()).expect("sent");
    let first = receiver.next().id().to_owned();
    let view =
        outbox(&service.folder, |view| count(view, "waiting") == 2 && view["waiting"][0]["tries"] == 1);
    let second = view["waiting"][1]["id"].as_str().expect("an id");
    let (code, _, _) = run(&service.folder, &["outbox", "drop", second]);
    assert_eq!(code, 1, "it was not given up");
    let (code, out, _) = run(&service.folder, &["outbox", "drop", "--waiting", second]);
    assert_eq!((code, &*out), (0, "1 alert is dropped\n"));
    let (code, out, _) =
        run(&service.folder, &["outbox", "retry", "--waiting", "--rule", "big", "--dry-run"]);
    assert_eq!((code, &*out), (0, "1 alert would be tried at once\n"));
    let (code, out, _) =
        run(&service.folder, &["outbox", "retry", "--waiting", "--rule", "none", "--dry-run"]);
    assert_eq!((code, &*out), (0, "0 alerts would be tried at once\n"));
    let (code, out, _) = run(&service.folder, &["outbox", "retry", "--waiting", "--sink", "desk"]);
    assert_eq!((code, &*out), (0, "1 alert is tried at once\n"));
    assert_eq!(receiver.next().id(), first, "although it was to be left alone for an hour");
    outbox(&service.folder, |view| count(view, "waiting") == 0);
    assert!(service.stop().status.success());
    assert!(receiver.is_empty(), "the second one was dropped");
}

/// What a service says of itself at its socket.
fn ready(state: &Path) -> String {
    let mut socket = UnixStream::connect(state.join("control.sock")).expect("it listens");
    let request = "GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    socket.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_receiver_that_is_gone_gets_nothing_over_a_kill_until_it_is_enabled() {
    let state = Folder::new();
    let receiver = Receiver::start([Answer::Status("410 Gone\r\n")]);
    let config = config(&state.path().join("s"), &receiver.sink("desk", QUICK));
    let mut service = Service::start(RULES, &config);
    service.connect("auth").write_all(event(1, 500.0).as_bytes()).expect("sent");
    let id = receiver.next().id().to_owned();
    let is_disabled = |view: &Value| view["sinks"][0]["disabled"].is_string();
    outbox(&service.folder, is_disabled);
    service.signal("KILL");
    service.end();
    // The state of a service that does not run says the same.
    let view = outbox(&service.folder, is_disabled);
    assert_eq!((count(&view, "waiting"), &view["waiting"][0]["id"]), (1, &id.as_str().into()));
    let mut service = Service::start(RULES, &config);
    service.connect("auth").write_all(event(2, 500.0).as_bytes()).expect("sent");
    outbox(&service.folder, |view| count(view, "waiting") == 2 && is_disabled(view));
    let ready = ready(&state.path().join("s"));
    assert!(ready.starts_with("HTTP/1.1 200") && ready.contains("\"degraded\""), "{ready}");
    assert!(ready.contains("sink desk") && ready.contains("disabled until"), "{ready}");
    assert!(receiver.is_empty(), "nothing is sent");
    let (code, out, _) = run(&service.folder, &["sink", "list"]);
    assert!(code == 0 && out.contains("disabled since") && out.contains("webhook"), "{out}");
    let (code, out, _) = run(&service.folder, &["sink", "enable", "desk"]);
    assert_eq!((code, &*out), (0, "`desk` is used again\n"));
    assert_eq!(receiver.next().id(), id, "it is the same alert");
    assert_eq!(receiver.next().event(), "2");
    assert!(service.stop().status.success());
}

#[test]
fn what_a_sink_gives_up_goes_to_its_fallback_once_with_its_id_and_others_do_not_notice() {
    let state = Folder::new();
    let broken = Receiver::start(std::iter::repeat_n(Answer::Status("500 Oh\r\n"), 100));
    let (spare, other) = (Receiver::start([]), Receiver::start([]));
    let sinks = [
        broken.sink("desk", &format!("tries = 2\nfallback = \"spare\"\n{QUICK}")),
        spare.sink("spare", QUICK),
        other.sink("other", QUICK),
    ];
    let rules = RULES.replace("to desk", "to desk, other");
    let mut service = Service::start(&rules, &config(&state.path().join("s"), &sinks.concat()));
    service.connect("auth").write_all(event(1, 500.0).as_bytes()).expect("sent");
    let id = spare.next().id().to_owned();
    assert_eq!((other.next().id(), broken.next().id(), broken.next().id()), (&*id, &*id, &*id));
    let ended = service.stop();
    assert!(ended.status.success());
    assert!(broken.is_empty() && spare.is_empty() && other.is_empty());
}

/// A receiver over TLS that answers one request after the other with success; its certificate in PEM.
fn tls_receiver() -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("they fit");
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").expect("a port"));
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let mut stream = StreamOwned::new(connection, stream);
            let mut request = [0; 16 << 10];
            // The sample comes in few pieces, the last of which ends the object.
            let mut read = 0;
            while let Ok(more @ 1..) = stream.read(&mut request[read..]) {
                read += more;
                if request[..read].ends_with(b"}") {
                    let _ = stream.write_all(b"HTTP/1.1 204 Fine\r\nconnection: close\r\n\r\n");
                    break;
                }
            }
        }
    });
    (address, made.cert.pem())
}

#[test]
fn a_sink_is_tried_out_over_tls_with_an_authority_of_its_own() {
    let (address, certificate) = tls_receiver();
    let folder = Folder::new();
    folder.write("rules/test.trip", RULES);
    folder.write("ca.pem", certificate);
    folder.write("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    let sink = |more: &str| {
        let url = format!("https://localhost:{}/hidden-path", address.port());
        format!(
            "rules = \"rules\"\n{TCP}[sinks.desk]\ntype = \"webhook\"\nurl = \"{url}\"\nsecret_file = \"secret\"\n{more}"
        )
    };
    folder.write("tripline.toml", sink("tls_ca = \"ca.pem\"\n"));
    let (code, out, err) = run(&folder, &["sink", "test", "desk"]);
    assert!(code == 0 && out.starts_with("`desk` has accepted the sample `test_"), "{out}{err}");
    folder.write("tripline.toml", sink(""));
    let (code, _, err) = run(&folder, &["sink", "test", "desk"]);
    assert!(code == 1 && err.contains("certificate") && err.contains("= help:"), "{err}");
    assert!(!err.contains("hidden-path"), "the URL may hold a secret: {err}");
    folder.write("tripline.toml", sink("tls_ca = \"ca.pem\"\nprivate_addresses = \"deny\"\n"));
    let (code, _, err) = run(&folder, &["sink", "test", "desk"]);
    assert!(code == 1 && err.contains("is this machine, which is not sent to"), "{err}");
    folder.write(
        "tripline.toml",
        sink("").replace("secret_file = \"secret\"", "secret_env = \"TRIPLINE_NO_SUCH_VARIABLE\""),
    );
    let (code, _, err) = run(&folder, &["sink", "test", "desk"]);
    assert!(
        code == 1 && err.contains("`secret_env` names the environment variable `TRIPLINE_NO_SUCH_VARIABLE`"),
        "{err}"
    );
    let (code, _, err) = run(&folder, &["sink", "test", "dusk"]);
    assert!(code == 2 && err.contains("did you mean `desk`?"), "{err}");
}
