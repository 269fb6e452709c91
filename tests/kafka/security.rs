//! TLS, and the ways in which a client says who it is.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::broker::{Broker, Extras};
use crate::certificates::{Authority, Valid};
use crate::client::{Sent, make_topic, send};
use crate::harness::{Folder, Service};
use crate::reading::alerts;

const TOPIC: &str = "secured";
const PASSWORD: &str = "correct horse";

/// A stream and a rule that reports each event.
const RULES: &str = "stream auth { id int }\n\
    rule each {\n by id\n event e = auth\n match e\n alert low \"{id}\" { id = e.id }\n to out\n}\n";

/// A broker that wants certificates and passwords, with the authority of its certificate and a few messages.
struct Secured {
    broker: Broker,
    authority: Authority,
    /// What the broker reads.
    _files: Folder,
}

impl Secured {
    /// The one that all tests share.
    fn shared() -> &'static Secured {
        static SHARED: OnceLock<Secured> = OnceLock::new();
        SHARED.get_or_init(Secured::start)
    }

    fn start() -> Secured {
        let (authority, files) = (Authority::new("authority of the brokers"), Folder::new());
        let (certificate, key) = authority.certify(Valid::Now);
        let store = files.write("broker.pem", key + &certificate);
        let trusted = files.write("trusted.pem", authority.pem());
        let login = "org.apache.kafka.common.security";
        let sasl = "listener.name.sasl";
        let properties = format!(
            "ssl.keystore.type=PEM\nssl.keystore.location={}\nssl.truststore.type=PEM\nssl.truststore.location={}\n\
             listener.name.mutual.ssl.client.auth=required\n\
             {sasl}.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER\n\
             {sasl}.plain.sasl.jaas.config={login}.plain.PlainLoginModule required user_tripline=\"{PASSWORD}\";\n\
             {sasl}.scram-sha-256.sasl.jaas.config={login}.scram.ScramLoginModule required;\n\
             {sasl}.scram-sha-512.sasl.jaas.config={login}.scram.ScramLoginModule required;\n\
             {sasl}.oauthbearer.sasl.jaas.config={login}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";\n\
             {sasl}.oauthbearer.sasl.server.callback.handler.class={login}.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler",
            store.display(),
            trusted.display()
        );
        let scram = |mechanism| format!("{mechanism}=[name=tripline,password={PASSWORD}]");
        let extras = Extras {
            listeners: &[("TLS", "SSL"), ("MUTUAL", "SSL"), ("SASL", "SASL_SSL")],
            properties,
            credentials: ["SCRAM-SHA-256", "SCRAM-SHA-512"].map(scram).to_vec(),
        };
        let broker = Broker::start_with(&extras);
        make_topic(&broker, TOPIC, 1, &[]);
        let messages: Vec<Sent> = (0..3).map(|id| Sent::new(0, format!("{{\"id\":{id}}}"))).collect();
        send(&broker, TOPIC, &messages);
        Secured { broker, authority, _files: files }
    }

    /// A service that reads from a listener, with a group of its own. `authority`: whom it trusts.
    fn serve(&self, listener: &str, authority: &Authority, more: &str) -> Service {
        self.serve_at(&self.broker.address_of(listener), authority, more)
    }

    fn serve_at(&self, address: &str, authority: &Authority, more: &str) -> Service {
        static GROUPS: Mutex<u32> = Mutex::new(0);
        let group = {
            let mut groups = GROUPS.lock().expect("no test has panicked here");
            *groups += 1;
            *groups
        };
        let folder = Folder::new();
        folder.write("ca.pem", authority.pem());
        let (certificate, key) = self.authority.certify(Valid::Now);
        folder.write("own.pem", certificate);
        folder.write("own.key", key);
        folder.write("password", PASSWORD);
        let config = format!(
            "[sinks.out]\ntype = \"file\"\npath = \"alerts.jsonl\"\n\
             [sources.auth]\ntype = \"kafka\"\nstream = \"auth\"\nbrokers = [\"{address}\"]\ntopics = [\"{TOPIC}\"]\n\
             group = \"group-{group}\"\ntls = true\ntls_ca = \"ca.pem\"\n{more}\n\
             properties = {{ \"broker.address.family\" = \"v4\" }}\n"
        );
        Service::start_in(folder, RULES, &config)
    }

    /// Asserts that everything is read.
    fn assert_reads(&self, listener: &str, more: &str) {
        let service = self.serve(listener, &self.authority, more);
        assert_eq!(alerts(&service.folder, 3).len(), 3, "{more}");
        let ended = service.stop();
        assert!(ended.status.success(), "{}", ended.log());
    }
}

/// Asserts that the log says so of the client, more than once: it goes on trying. Nothing is read, and it can
/// be stopped.
fn assert_is_refused(mut service: Service, why: &str) {
    let said = |line: &Value| line["client"] == "auth" && line["level"] == "WARN";
    service.wait_for(why, said);
    let first = service.seen(why).len();
    while service.seen(why).len() < first + 2 {
        service.wait_for_next();
    }
    assert!(alerts(&service.folder, 0).is_empty());
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
    assert!(!ended.log().contains(PASSWORD), "no secret is in the log");
}

#[test]
fn brokers_are_known_by_their_authority_and_name() {
    let secured = Secured::shared();
    secured.assert_reads("TLS", "");
    let other = Authority::new("another authority");
    assert_is_refused(secured.serve("TLS", &other, ""), "certificate verify failed");
    // The certificate is for `localhost`.
    let by_number = secured.broker.address_of("TLS").replace("localhost", "127.0.0.1");
    assert_is_refused(secured.serve_at(&by_number, &secured.authority, ""), "certificate verify failed");
}

#[test]
fn brokers_may_want_a_certificate() {
    let secured = Secured::shared();
    secured.assert_reads("MUTUAL", "tls_cert = \"own.pem\"\ntls_key = \"own.key\"");
    assert_is_refused(secured.serve("MUTUAL", &secured.authority, ""), "SSL");
}

#[test]
fn clients_are_known_by_name_and_password() {
    let secured = Secured::shared();
    for mechanism in ["plain", "scram-sha-256", "scram-sha-512"] {
        let right = format!("sasl = \"{mechanism}\"\nusername = \"tripline\"\npassword_file = \"password\"");
        secured.assert_reads("SASL", &right);
    }
    for mechanism in ["plain", "scram-sha-512"] {
        let wrong = format!("sasl = \"{mechanism}\"\nusername = \"tripline\"\npassword = \"wrong\"");
        assert_is_refused(secured.serve("SASL", &secured.authority, &wrong), "uthentication failed");
    }
}

#[test]
fn clients_are_known_by_a_token() {
    let secured = Secured::shared();
    let tokens = TokenServer::start();
    let oauth = format!(
        "sasl = \"oauthbearer\"\ntoken_url = \"http://{}/token\"\ntoken_client_id = \"tripline\"\n\
         token_client_secret_file = \"password\"\ntoken_scope = \"kafka\"",
        tokens.address
    );
    let mut service = secured.serve("SASL", &secured.authority, &oauth);
    // The server gives none at first; it is asked again ten seconds later.
    service.wait_for("no token for Kafka from the server at `127.0.0.1`: it answered 503", |_| true);
    assert_eq!(alerts(&service.folder, 3).len(), 3);
    assert!(tokens.forms().iter().all(|form| form == "grant_type=client_credentials&scope=kafka"));
    let ended = service.stop();
    assert!(ended.status.success(), "{}", ended.log());
}

/// Gives tokens that hold for an hour, not signed, to who knows the password, but not
/// to the first who asks.
struct TokenServer {
    address: std::net::SocketAddr,
    forms: Arc<Mutex<Vec<String>>>,
}

impl TokenServer {
    fn start() -> TokenServer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let forms: Arc<Mutex<Vec<String>>> = Arc::default();
        let of_server = Arc::clone(&forms);
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let (form, is_known) = read_request(&connection).expect("a whole request");
                let mut forms = of_server.lock().expect("no test has panicked here");
                forms.push(form);
                answer(connection, is_known && forms.len() > 1).expect("it is waited for");
            }
        });
        TokenServer { address, forms }
    }

    /// What was asked for.
    fn forms(&self) -> Vec<String> {
        self.forms.lock().expect("no test has panicked here").clone()
    }
}

/// The body of a request, and whether it is of one who knows the password.
fn read_request(connection: &TcpStream) -> std::io::Result<(String, bool)> {
    let expected = format!("authorization: Basic {}", BASE64_STANDARD.encode(format!("tripline:{PASSWORD}")));
    let (mut reader, mut length, mut is_known) = (BufReader::new(connection), 0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            line => {
                is_known |= line == expected;
                length =
                    line.strip_prefix("content-length: ").map_or(length, |of| of.parse().expect("a number"));
            }
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((String::from_utf8(body).expect("a form"), is_known))
}

fn answer(mut connection: TcpStream, gives: bool) -> std::io::Result<()> {
    let now = jiff::Timestamp::now().as_second();
    let claims = format!("{{\"sub\":\"tripline\",\"iat\":{now},\"exp\":{}}}", now + 3_600);
    let part = |json: &str| BASE64_URL_SAFE_NO_PAD.encode(json);
    let token = format!("{}.{}.", part("{\"alg\":\"none\"}"), part(&claims));
    let (status, body) = match gives {
        true => {
            (200, format!("{{\"access_token\":\"{token}\",\"token_type\":\"Bearer\",\"expires_in\":3600}}"))
        }
        false => (503, String::new()),
    };
    let length = body.len();
    write!(connection, "HTTP/1.1 {status} .\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}
