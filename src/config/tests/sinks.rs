//! What is said about sinks.

use super::*;

case!(
    secrets_given_in_no_way_or_in_several,
    shown,
    "rules = \"rules\"

[sources.cards]
type = \"stdin\"
stream = \"cards\"

[sinks.none]
type = \"webhook\"

[sinks.several]
type = \"webhook\"
url = \"https://example.com/alerts\"
url_file = \"url\"

[sinks.empty]
type = \"webhook\"
url_env = \"\"

[sinks.dollar]
type = \"webhook\"
url_env = \"$DESK_URL\"

[sinks.misspelt]
type = \"webhook\"
url_fil = \"url\"

[sinks.no_url]
type = \"webhook\"
url = \"desk\"

[sinks.number]
type = \"webhook\"
url_file = 5
"
);

case!(
    what_sinks_cannot_do,
    shown,
    "rules = \"rules\"

[sources.cards]
type = \"stdin\"
stream = \"cards\"

[sinks.one]
type = \"stdout\"
fallback = \"two\"
rate = \"fast\"

[sinks.two]
type = \"file\"
path = \"alerts\"
fallback = \"one\"

[sinks.three]
type = \"stdout\"
fallback = \"tow\"

[sinks.four]
type = \"stdout\"
fallback_after = \"10m\"

[sinks.hook]
type = \"webhook\"
url = \"https://example.com\"
template = '{\"text\": \"{{ alert.title }}\"}'
allow_networks = [\"10.0.0.0/33\"]
headers = { Host = \"example.com\", \"a b\" = \"c\", X = 5, Y = { env = \"$Y\" } }
"
);

#[test]
fn a_secret_is_taken_from_where_it_is() {
    let folder = folder();
    std::fs::write(folder.path().join("url"), "https://example.com/from_file\n").expect("it can be written");
    let text = "rules = \"rules\"\n[sources.a]\ntype = \"stdin\"\nstream = \"s\"\n\
                [sinks.a]\ntype = \"webhook\"\nurl_file = \"url\"\ntls_ca = \"ca.pem\"\n\
                [sinks.b]\ntype = \"webhook\"\nurl_env = \"TRIPLINE_NO_SUCH_VARIABLE\"\n";
    let loaded = parse("tripline.toml", text, folder.path());
    let config = loaded.config.unwrap_or_else(|| panic!("{}", show(&loaded.diagnostics, &loaded.sources)));
    let [SinkKind::Webhook(a), SinkKind::Webhook(b)] = [&config.sinks[0].kind, &config.sinks[1].kind] else {
        panic!("two webhooks")
    };
    assert_eq!(&*a.url.get().expect("it is there"), "https://example.com/from_file");
    assert_eq!(a.http.ca, Some(folder.path().join("ca.pem")));
    let missing = b.url.get().expect_err("it is not there").to_string();
    assert!(missing.contains("`url_env`") && missing.contains("TRIPLINE_NO_SUCH_VARIABLE"), "{missing}");
}
