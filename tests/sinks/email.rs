//! Mails through a real server, read where it has put them.

use std::io::Write;

use crate::exim::Exim;
use crate::harness::{RULES, Service, TCP, event};

const QUICK: &str = "backoff = \"1ms\"\nmax_backoff = \"5ms\"\n";

fn start(exim: &Exim, port: u16, more: &str) -> Service {
    let sink = format!(
        "[sinks.desk]\ntype = \"email\"\nserver = \"localhost\"\nport = {port}\ntls_ca = \"{}\"\nusername = \"tripline\"\n\
         password_file = \"password\"\nfrom = \"Tripline <alerts@shop.example.com>\"\n{QUICK}{more}\n",
        exim.authority().display()
    );
    let folder = crate::harness::Folder::new();
    folder.write("password", "mail-secret-7\n");
    Service::start_in(folder, RULES, &format!("{TCP}{sink}"))
}

fn send(service: &mut Service, id: &str) {
    service.connect("auth").write_all(event(id, 120.5).as_bytes()).expect("sent");
}

fn header<'a>(mail: &'a str, name: &str) -> Option<&'a str> {
    let head = mail.split("\n\n").next()?;
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn a_mail_goes_encrypted_to_all_recipients() {
    let mut exim = Exim::start();
    for (port, more) in [(exim.starttls, ""), (exim.tls, "encryption = \"tls\"\n")] {
        let name = if more.is_empty() { "one" } else { "two" };
        let to =
            format!("to = [\"Fraud Desk <desk_{name}@example.com>\", \"second_{name}@example.com\"]\n{more}");
        let mut service = start(&exim, port, &to);
        send(&mut service, "e1");
        let mails = exim.mails(&format!("desk_{name}"), 1);
        let [mail] = &mails[..] else { panic!("{mails:?}") };
        assert_eq!(exim.mails(&format!("second_{name}"), 1).len(), 1);
        assert_eq!(header(mail, "Subject"), Some("[HIGH] c spent 120.5"), "{mail}");
        assert_eq!(header(mail, "From"), Some("Tripline <alerts@shop.example.com>"));
        assert!(header(mail, "Message-ID").is_some_and(|id| id.ends_with("@shop.example.com>")), "{mail}");
        assert!(mail.contains("with esmtpsa") && mail.contains("TLS1.3"), "encrypted and logged in: {mail}");
        assert!(mail.contains("text/plain") && mail.contains("text/html"), "{mail}");
        let ended = service.stop();
        assert_eq!(ended.total("sink", "desk")["delivered"], 1);
        assert!(!ended.log().contains("mail-secret-7"), "a secret is in the log");
    }
}

#[test]
fn who_is_refused_keeps_nobody_from_getting_the_mail() {
    let mut exim = Exim::start();
    let to =
        "to = [\"nobody@example.com\", \"desk@example.com\"]\nsubject = \"{{ rule }} {{ fields.id }}\"\n";
    let mut service = start(&exim, exim.starttls, to);
    send(&mut service, "e1");
    let mails = exim.mails("desk", 1);
    assert_eq!(header(&mails[0], "Subject"), Some("big e1"));
    let line = service.wait_for("does not take a recipient", |_| true);
    assert_eq!(line["address"], "nobody@example.com");
    assert_eq!(service.stop().total("sink", "desk")["delivered"], 1);
}

#[test]
fn who_is_to_come_again_gets_it_later_and_the_others_once() {
    let mut exim = Exim::start();
    let mut service =
        start(&exim, exim.starttls, "to = [\"later@example.com\", \"desk@example.com\"]\ntries = 1000000\n");
    send(&mut service, "e1");
    let line = service.wait_for("will be tried again", |_| true);
    assert!(line["reason"].as_str().is_some_and(|why| why.contains("come again")), "{line}");
    assert_eq!(exim.mails("desk", 1).len(), 1);
    exim.open();
    let [later] = &exim.mails("later", 1)[..] else { panic!("one mail") };
    let ended = service.stop();
    assert_eq!(ended.total("sink", "desk")["delivered"], 1);
    let [desk] = &exim.mails("desk", 1)[..] else { panic!("it came once") };
    assert_eq!(header(desk, "Message-ID"), header(later, "Message-ID"));
}

#[test]
fn what_is_refused_for_all_fails_at_once_and_a_wrong_password_is_tried_again() {
    let exim = Exim::start();
    let mut service = start(&exim, exim.starttls, "to = [\"nobody@example.com\"]\n");
    send(&mut service, "e1");
    let line = service.wait_for("failed for good", |_| true);
    assert!(line["reason"].as_str().is_some_and(|why| why.contains("no such recipient")), "{line}");
    service.folder.write("password", "wrong");
    send(&mut service, "e2");
    let line = service.wait_for("will be tried again", |_| true);
    assert!(line["reason"].as_str().is_some_and(|why| why.contains("535")), "{line}");
}

#[test]
fn nothing_is_said_to_a_server_that_somebody_else_vouches_for() {
    let (exim, other) = (Exim::start(), Exim::start());
    let mut service = start(&other, exim.starttls, "to = [\"desk@example.com\"]\n");
    send(&mut service, "e1");
    let line = service.wait_for("will be tried again", |_| true);
    assert!(line["reason"].as_str().is_some_and(|why| why.contains("certificate")), "{line}");
}
