use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};

use super::*;
use crate::codec::Format;
use crate::source::compression::Compression;
use crate::source::framing::Framing;
use crate::tls;

/// Sends lines of JSON.
fn send(target: &Target, records: &[&[u8]]) -> Result<(), SendError> {
    send_as(target, records, Compression::None)
}

fn send_as(target: &Target, records: &[&[u8]], compression: Compression) -> Result<(), SendError> {
    let decoding = Decoding { format: Format::Json, framing: Framing::Lines, compression };
    let records: Vec<Vec<u8>> = records.iter().map(|record| record.to_vec()).collect();
    let load = Load { stream: "cards", decoding: &decoding, header: None, records: &records };
    target.send(&load).map_err(|unsent| unsent.error)
}

#[test]
fn targets_are_read_and_shown() {
    for text in ["127.0.0.1:7001", "[::1]:7001", "udp:host:7001", "unix:/run/trip.sock", "http://h:8080/"] {
        assert_eq!(Target::parse(text).map(|target| target.to_string()), Ok(text.to_owned()));
    }
    assert_eq!(Target::parse("tcp:host:1"), Ok(Target::Tcp("host:1".into())));
    assert_eq!(Target::parse("http://u:secret@h/x?y").map(|it| it.to_string()), Ok("http://h/x".into()));
    for wrong in ["", "host", "host:", ":1", "host:0", "host:65536", "unix:", "udp:", "http://"] {
        assert!(Target::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn what_listens_everywhere_is_reached_here() {
    assert_eq!(reachable("0.0.0.0:7001").as_deref(), Ok("127.0.0.1:7001"));
    assert_eq!(reachable("[::]:7001").as_deref(), Ok("[::1]:7001"));
    assert_eq!(reachable("host:7001").as_deref(), Ok("host:7001"));
    assert!(reachable("127.0.0.1:0").is_err());
}

#[test]
fn events_are_posted_to_their_stream_unless_a_path_is_named() {
    let url = |text| http::Server::at(Url::parse(text).expect("a URL")).events_url("cards").to_string();
    assert_eq!(url("http://h:1"), "http://h:1/v1/events/cards");
    assert_eq!(url("http://h:1/in"), "http://h:1/in");
}

fn serve(serve: impl FnOnce(TcpStream) + Send + 'static) -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || serve(listener.accept().expect("a connection").0));
    Target::Tcp(address)
}

#[test]
fn records_are_received_when_the_other_side_has_read_to_the_end() {
    let (sender, received) = std::sync::mpsc::channel();
    let target = serve(move |mut connection| {
        let mut all = Vec::new();
        connection.read_to_end(&mut all).expect("it can be read");
        sender.send(all).expect("the test waits");
    });
    send(&target, &[b"a\n", b"b\n"]).expect("received");
    assert_eq!(received.recv().expect("bytes"), b"a\nb\n");
}

#[test]
fn a_connection_that_is_closed_early_has_not_received_anything() {
    let refusing = serve(drop);
    assert!(matches!(send(&refusing, &[b"a\n"]), Err(SendError::Closed)));
    let record = vec![b'a'; 10 << 20];
    let leaving = serve(|mut connection| {
        connection.read_exact(&mut [0; 10]).expect("some bytes");
    });
    assert!(send(&leaving, &[&record]).is_err());
    let nobody = Target::Tcp("127.0.0.1:1".into());
    assert!(matches!(send(&nobody, &[b"a\n"]), Err(SendError::Connection(_))));
}

#[test]
fn unix_sockets_and_datagrams_get_each_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        listener.accept().expect("a connection").0.read_to_string(&mut text).expect("text");
        text
    });
    send(&Target::Unix(path), &[b"a\n", b"b\n"]).expect("received");
    assert_eq!(reading.join().expect("no panic"), "a\nb\n");

    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let target = Target::Udp(socket.local_addr().expect("an address").to_string());
    assert!(!target.confirms());
    send(&target, &[b"a\n", b"b\n"]).expect("sent");
    let mut buffer = [0; 10];
    let sizes = [socket.recv(&mut buffer), socket.recv(&mut buffer)].map(|size| size.expect("a datagram"));
    assert_eq!(sizes, [2, 2]);
    let large = send(&target, &[b"a\n", &vec![b'x'; datagrams::LARGEST + 1]]);
    assert!(matches!(large, Err(SendError::TooLarge(_))));
}

/// Answers requests in turn, each on a connection of its own; gives the first lines and bodies.
fn answer(answers: &'static [&'static str]) -> (Target, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let serving = std::thread::spawn(move || {
        let mut seen = Vec::new();
        for answer in answers {
            let mut connection = listener.accept().expect("a connection").0;
            let mut request = Vec::new();
            while !request.ends_with(b"a\nb\n") {
                let mut byte = [0];
                connection.read_exact(&mut byte).expect("a request");
                request.extend(byte);
            }
            let text = String::from_utf8(request).expect("text");
            seen.push(text.lines().next().expect("a line").to_owned());
            let head = format!("HTTP/1.1 {answer}connection: close\r\ncontent-length: 3\r\n\r\nbad");
            connection.write_all(head.as_bytes()).expect("sent");
        }
        seen
    });
    (Target::parse(&url).expect("a URL"), serving)
}

#[test]
fn a_busy_server_is_asked_again_and_one_that_refuses_is_not() {
    let records: [&[u8]; 2] = [b"a\n", b"b\n"];
    let (target, serving) =
        answer(&["429 Busy\r\nretry-after: 0\r\n", "503 Busy\r\nretry-after: 0\r\n", "202 Ok\r\n"]);
    send(&target, &records).expect("received");
    assert_eq!(serving.join().expect("no panic"), ["POST /v1/events/cards HTTP/1.1"; 3]);
    let (target, _serving) = answer(&["400 Bad\r\n"]);
    let refused = send(&target, &records).expect_err("refused").to_string();
    assert_eq!(refused, "the service answers 400 Bad Request: bad");
}

#[test]
fn what_a_source_reads_compressed_is_sent_so() {
    for compression in [Compression::Gzip, Compression::Zstd] {
        let (sender, received) = std::sync::mpsc::channel();
        let target = serve(move |mut connection| {
            let mut all = Vec::new();
            connection.read_to_end(&mut all).expect("it can be read");
            sender.send(all).expect("the test waits");
        });
        send_as(&target, &[b"a\n", b"b\n"], compression).expect("received");
        let bytes = received.recv().expect("bytes");
        let mut text = String::new();
        match compression {
            Compression::Gzip => flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text),
            _ => zstd::Decoder::new(&*bytes).expect("zstd").read_to_string(&mut text),
        }
        .expect("it is compressed");
        assert_eq!(text, "a\nb\n");
    }
}

/// A server of TLS with a certificate of its own, and its files.
fn secret_server(folder: &std::path::Path) -> (String, std::thread::JoinHandle<std::io::Result<String>>) {
    let made = rcgen::generate_simple_self_signed(["somewhere.example".to_owned()]).expect("a certificate");
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).expect("a file");
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).expect("a file");
    let identity = tls::Identity { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
    let acceptor = tls::Acceptor::new(&tls::ServerSettings { identity, clients: None }).expect("it is right");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let serving = std::thread::spawn(move || {
        let connection = rustls::ServerConnection::new(acceptor.current()).expect("it is right");
        let mut stream = rustls::StreamOwned::new(connection, listener.accept().expect("a connection").0);
        let mut text = String::new();
        stream.read_to_string(&mut text).map(|_| text)
    });
    (address, serving)
}

#[test]
fn a_server_of_tls_is_known_by_its_certificate() {
    let folder = tempfile::tempdir().expect("a folder");
    let (address, serving) = secret_server(folder.path());
    let target = Target::Tls(address, folder.path().join("cert.pem"));
    send(&target, &[b"a\n"]).expect("received");
    assert_eq!(serving.join().expect("no panic").expect("text"), "a\n");

    let (address, serving) = secret_server(folder.path());
    let other = tempfile::tempdir().expect("a folder");
    drop(secret_server(other.path()));
    let target = Target::Tls(address, other.path().join("cert.pem"));
    let refused = send(&target, &[b"a\n"]).expect_err("another certificate").to_string();
    let expected =
        "TLS fails: the certificate of the other side is not accepted: it is not the one that is expected";
    assert_eq!(refused, expected);
    assert!(serving.join().expect("no panic").is_err());
}

#[test]
fn a_datagram_socket_gets_each_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    let target = Target::UnixDatagram(path);
    assert!(!target.confirms());
    send(&target, &[b"a", b"bb"]).expect("sent");
    let mut buffer = [0; 10];
    let sizes = [socket.recv(&mut buffer), socket.recv(&mut buffer)].map(|size| size.expect("a datagram"));
    assert_eq!(sizes, [1, 2]);
}

/// What the first bodies brought has been received, whatever becomes of the next.
#[test]
fn a_body_that_is_refused_leaves_those_before_it() {
    let (target, _serving) = answer(&["202 Ok\r\n", "400 Bad\r\n"]);
    let decoding = Decoding { format: Format::Json, framing: Framing::Lines, compression: Compression::None };
    // A large record, and one that ends as the server expects it.
    let body = || vec![format!("{}\n", "x".repeat(700 << 10)).into_bytes(), b"a\nb\n".to_vec()];
    let records = [body(), body(), body()].concat();
    let load = Load { stream: "cards", decoding: &decoding, header: None, records: &records };
    let unsent = target.send(&load).expect_err("the second body is refused");
    assert_eq!(unsent.received, 2);
    assert!(matches!(unsent.error, SendError::Refused { .. }));
}
