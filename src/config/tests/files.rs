//! The keys of sources that read files.

use std::time::Duration;

use insta::assert_snapshot;

use crate::config::{Loaded, SourceKind, parse};
use crate::source::file::{self, Mode, Paths, Start};

use super::{folder, shown};

case!(
    files,
    shown,
    "rules = \"rules\"

[sources.folder]
type = \"file\"
path = \"rules\"
stream = \"cards\"

[sources.folders]
type = \"file\"
path = \"rule?\"
stream = \"cards\"
follow = true

[sources.nothing]
type = \"file\"
path = \"\"
stream = \"cards\"

[sources.bracket]
type = \"file\"
path = \"logs/[a.log\"
stream = \"cards\"
follow = \"yes\"

[sources.deep]
type = \"file\"
path = \"logs/**/*.log\"
stream = \"cards\"
max_files = 0

[sources.once]
type = \"file\"
path = \"a.log\"
stream = \"cards\"
start = \"end\"
poll = \"1s\"

[sources.packed]
type = \"file\"
path = \"a.log.gz\"
stream = \"cards\"
follow = true
start = \"middle\"

[sources.table]
type = \"file\"
path = \"a.csv\"
stream = \"cards\"
codec = \"csv\"
follow = true
start = \"end\"

[sources.frames]
type = \"file\"
path = \"a.frames\"
stream = \"cards\"
framing = \"length_prefixed\"
follow = true
start = \"end\"
"
);

#[test]
fn files_are_read_once_unless_they_are_followed() {
    let folder = folder();
    let text = "rules = \"rules\"\n[sources.a]\ntype = \"file\"\npath = \"a.log.gz\"\nstream = \"cards\"\n\
                [sources.b]\ntype = \"file\"\npath = \"/var/log/*.log\"\nstream = \"cards\"\n\
                follow = true\nstart = \"end\"\n";
    let Loaded { config, .. } = parse("tripline.toml", text, folder.path());
    let sources = config.expect("it is right").sources;
    let settings = |index: usize| match &sources[index].kind {
        SourceKind::File(settings) => settings.clone(),
        other => panic!("{other:?}"),
    };
    let path = Paths::One(folder.path().join("a.log.gz"));
    assert_eq!(settings(0), file::Settings { paths: path, max_files: 1024, mode: Mode::Once });
    let mode = Mode::Follow { start: Start::End, poll: Duration::from_millis(250) };
    let paths = Paths::Pattern("/var/log/*.log".into());
    assert_eq!(settings(1), file::Settings { paths, max_files: 1024, mode });
}
