//! What is said about wrong sinks for receivers of a kind of their own, and what right ones are read as.

use super::*;
use crate::sink::email::Encryption;
use crate::sink::slack::Way;
use crate::sink::syslog::Transport;
use crate::sink::syslog::message::Format;

const START: &str = "rules = \"rules\"\n[sources.a]\ntype = \"stdin\"\nstream = \"cards\"\n";

case!(
    sinks_whose_ways_do_not_go_together,
    shown,
    "rules = \"rules\"
[sources.a]
type = \"stdin\"
stream = \"cards\"

[sinks.none]
type = \"slack\"

[sinks.both]
type = \"slack\"
url_env = \"SLACK_URL\"
token_env = \"SLACK_TOKEN\"

[sinks.webhook]
type = \"slack\"
url = \"https://hooks.example.com/x\"
channel = \"C1\"

[sinks.bot]
type = \"slack\"
token_file = \"token\"

[sinks.manager]
type = \"alertmanager\"
url = \"http://127.0.0.1:9093\"
labels = { \"my-env\" = \"test\", number = 1 }
token_env = \"TOKEN\"
username = \"u\"
password_env = \"PASSWORD\"

[sinks.mail]
type = \"email\"
server = \"localhost\"
encryption = \"none\"
tls_ca = \"ca.pem\"
username = \"u\"
from = \"nobody\"
to = [\"desk@example.com\", \"jürgen@example.com\"]
subject = \"{{ severity\"

[sinks.nobody]
type = \"email\"
server = \"localhost\"
from = \"a@example.com\"
to = []

[sinks.log]
type = \"syslog\"
transport = \"unix\"
address = \"localhost:514\"
tls_cert = \"client.pem\"

[sinks.other_log]
type = \"syslog\"
transport = \"tcp\"
facility = \"locla0\"

[sinks.file]
type = \"file\"
path = \"alerts\"
keep = 3
compress = true
"
);

fn kinds(text: &str) -> Vec<SinkKind> {
    let loaded = parse("tripline.toml", &format!("{START}{text}"), folder().path());
    let config = loaded.config.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    config.sinks.into_iter().map(|sink| sink.kind).collect()
}

#[test]
fn what_is_not_said_has_its_default() {
    let kinds = kinds(
        "[sinks.a]\ntype = \"pagerduty\"\nrouting_key_env = \"KEY\"\n\
         [sinks.b]\ntype = \"alertmanager\"\nurl = \"http://127.0.0.1:9093/prefix/\"\n\
         [sinks.c]\ntype = \"email\"\nserver = \"smtp.example.com\"\nfrom = \"a@example.com\"\nto = [\"b@example.com\"]\n\
         [sinks.d]\ntype = \"syslog\"\ntransport = \"unix\"\n\
         [sinks.e]\ntype = \"syslog\"\ntransport = \"tls\"\naddress = \"[::1]:6514\"\n\
         [sinks.f]\ntype = \"slack\"\ntoken_env = \"TOKEN\"\nchannel = \"C1\"\n\
         [sinks.g]\ntype = \"teams\"\nurl_env = \"URL\"\n",
    );
    let [pagerduty, manager, mail, local, tls, slack, teams] = &kinds[..] else { panic!("{kinds:?}") };
    let SinkKind::PagerDuty(pagerduty) = pagerduty else { panic!("{pagerduty:?}") };
    assert_eq!(pagerduty.url.as_str(), "https://events.pagerduty.com/v2/enqueue");
    assert!(!pagerduty.source.is_empty());
    let SinkKind::Alertmanager(manager) = manager else { panic!("{manager:?}") };
    assert_eq!(manager.url.as_str(), "http://127.0.0.1:9093/prefix/api/v2/alerts");
    assert_eq!(manager.labelling.resolve_after, Duration::from_secs(3600));
    let SinkKind::Email(mail) = mail else { panic!("{mail:?}") };
    assert_eq!((mail.port, mail.encryption, &mail.login), (587, Encryption::StartTls, &None));
    let SinkKind::Syslog(local) = local else { panic!("{local:?}") };
    assert_eq!(local.transport, Transport::Unix("/dev/log".into()));
    assert_eq!((local.style.format, local.style.facility, local.style.most), (Format::Rfc5424, 16, 8_192));
    let SinkKind::Syslog(tls) = tls else { panic!("{tls:?}") };
    assert!(matches!(&tls.transport, Transport::Tls(_, settings) if settings.name == "::1"), "{tls:?}");
    let SinkKind::Slack(slack) = slack else { panic!("{slack:?}") };
    assert!(
        matches!(&slack.way, Way::Bot { url, .. } if url.as_str() == "https://slack.com/api/chat.postMessage")
    );
    assert!(matches!(teams, SinkKind::Teams(_)));
}

#[test]
fn files_are_put_aside_only_if_asked() {
    let kinds = kinds(
        "[sinks.a]\ntype = \"file\"\npath = \"a\"\n\
         [sinks.b]\ntype = \"file\"\npath = \"b\"\nrotate_every = \"1d\"\ncompress = true\n",
    );
    let [SinkKind::File(plain), SinkKind::File(rotated)] = &kinds[..] else { panic!("{kinds:?}") };
    assert_eq!(plain.rotation, None);
    let rotation = rotated.rotation.as_ref().expect("it was asked for");
    assert_eq!((rotation.every, rotation.max_size), (Some(Duration::from_secs(86_400)), None));
    assert_eq!((rotation.keep, rotation.compress), (10, true));
}
