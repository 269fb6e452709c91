//! Where state is kept, and the journal beside it.

use std::path::Path;

use insta::assert_snapshot;

use crate::config::{SourceKind, parse};

use super::{folder, show, shown};

case!(
    state_that_cannot_be_kept,
    shown,
    "rules = \"rules\"

[journal]
max_size = \"100MiB\"

[sources.cards]
type = \"tcp\"
stream = \"cards\"
listen = \"127.0.0.1:7001\"
ack = true

[sources.local]
type = \"unix\"
stream = \"cards\"
path = \"in.sock\"
mode = \"datagram\"
ack = true
"
);

case!(
    a_journal_too_small_for_its_bodies,
    shown,
    "rules = \"rules\"

[state]
path = \"state\"

[journal]
max_size = \"100MiB\"

[sources.web]
type = \"http\"
listen = \"127.0.0.1:7001\"
"
);

case!(
    a_journal_whose_records_are_too_long,
    shown,
    "rules = \"rules\"

[state]
path = \"state\"

[limits]
max_line = \"64MiB\"

[sources.pipe]
type = \"stdin\"
stream = \"cards\"
"
);

#[test]
fn state_and_its_journal_are_taken_over_with_room_for_the_largest_records_and_bodies() {
    let text = "
[state]
path = \"/var/lib/tripline\"
[journal]
max_size = \"2GiB\"
[sources.web]
type = \"http\"
listen = \"127.0.0.1:0\"
max_body = \"32MiB\"
[sources.cards]
type = \"tcp\"
stream = \"cards\"
listen = \"127.0.0.1:0\"
ack = true
";
    let folder = folder();
    let loaded = parse("tripline.toml", &format!("rules = \"rules\"\n{text}"), folder.path());
    let config = loaded.config.unwrap_or_else(|| panic!("{}", show(&loaded.diagnostics, &loaded.sources)));
    let state = config.state.expect("it is kept");
    assert_eq!(state.journal_folder(), Path::new("/var/lib/tripline/journal"));
    assert_eq!(state.journal.disk, 2 << 30);
    assert!(state.journal.waiting > 32 << 20 && state.journal.entry > 1 << 20);
    let SourceKind::Tcp(tcp) = &config.sources[0].kind else { panic!("a server") };
    assert!(tcp.ack);
}
