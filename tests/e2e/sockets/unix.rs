//! Unix sockets.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixStream};

use crate::harness::{Folder, RULES, Service, event, text};
use crate::receiver::Receiver;

use super::send;

const UNIX: &str = "[sources.auth]\ntype = \"unix\"\nstream = \"auth\"\npath = \"in.sock\"\n";

#[test]
fn each_connection_is_read_and_the_socket_goes_at_the_end() {
    let receiver = Receiver::start([]);
    let config = format!("{UNIX}permissions = \"0622\"\n{}", receiver.sink("desk", ""));
    let service = Service::start(RULES, &config);
    let path = service.folder.path().join("in.sock");
    assert_eq!(std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o622);
    for id in ["a", "b"] {
        let mut stream = UnixStream::connect(&path).expect("it listens");
        send(&mut stream, event(id, 500.0).trim_end());
        drop(stream);
        assert_eq!(receiver.next().event(), id);
    }
    service.signal("TERM");
    let mut service = service;
    assert!(service.end().status.success());
    assert!(!path.exists());
}

#[test]
fn datagrams_of_many_senders_are_read() {
    const DATAGRAMS: usize = 2_000;
    let receiver = Receiver::start([]);
    let config = format!("{UNIX}mode = \"datagram\"\n{}", receiver.sink("desk", ""));
    let service = Service::start(RULES, &config);
    let path = service.folder.path().join("in.sock");
    let senders: Vec<_> = (0..4)
        .map(|sender| {
            let socket = UnixDatagram::unbound().expect("a socket");
            socket.connect(&path).expect("it listens");
            std::thread::spawn(move || {
                for id in 0..DATAGRAMS {
                    // Waits while too many have not been read: nothing is dropped.
                    socket.send(event(format!("{sender}-{id}"), 1.0).as_bytes()).expect("sent");
                }
            })
        })
        .collect();
    senders.into_iter().for_each(|sender| sender.join().expect("all sent"));
    let last = UnixDatagram::unbound().expect("a socket");
    last.send_to(event("last", 500.0).as_bytes(), &path).expect("sent");
    assert_eq!(receiver.next().event(), "last");
    let ended = service.stop();
    assert!(ended.status.success());
    assert_eq!(ended.total("source", "auth")["events"], 4 * DATAGRAMS + 1);
}

/// The socket of a process that was killed is replaced; that of one that lives is not.
#[test]
fn a_socket_left_behind_is_replaced_and_a_live_one_is_not() {
    let receiver = Receiver::start([]);
    let config = format!("{UNIX}{}", receiver.sink("desk", ""));
    let mut service = Service::start(RULES, &config);
    let second = service.folder.run(&["run"]);
    assert!(!second.status.success());
    assert!(
        text(&second.stderr).contains("cannot listen at `in.sock`: another program, or another tripline"),
        "{}",
        text(&second.stderr)
    );
    service.signal("KILL");
    assert!(!service.end().status.success());
    let folder = std::mem::replace(&mut service.folder, Folder::new());
    assert!(folder.path().join("in.sock").exists());
    let service = Service::start_in(folder, RULES, &config);
    let mut stream = UnixStream::connect(service.folder.path().join("in.sock")).expect("it listens");
    send(&mut stream, &event("again", 500.0));
    assert_eq!(receiver.next().event(), "again");
    assert!(service.stop().status.success());
}
