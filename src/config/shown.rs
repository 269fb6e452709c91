//! The text of a configuration for people who may not see its secrets.

use std::sync::LazyLock;

use regex::Regex;

use crate::diagnostic::Span;

/// What stands in the place of a secret.
const HIDDEN: &str = "\"***\"";

/// The name and password that a URL can have before its host.
static OF_URLS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"://[^/\s"'@]+@"#).expect("the pattern is right"));
/// Further settings of libraries that are named like a secret.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    let pattern =
        r#"(?im)((?:password|secret|token|\.key|\.pem|jaas\.config)["']?\s*=\s*)("[^"\n]*"|'[^'\n]*')"#;
    Regex::new(pattern).expect("the pattern is right")
});

/// The text without what stands at these places and what else looks like a secret.
pub fn without_secrets(text: &str, secrets: &[Span]) -> String {
    let mut places: Vec<Span> = secrets.to_vec();
    places.sort_by_key(|span| span.start);
    let (mut shown, mut from) = (String::new(), 0);
    for span in places {
        let (start, end) = (span.start as usize, span.end as usize);
        let Some(before) = text.get(from..start) else { continue };
        shown.push_str(before);
        shown.push_str(HIDDEN);
        from = end;
    }
    shown.push_str(text.get(from..).unwrap_or_default());
    let shown = OF_URLS.replace_all(&shown, "://***@");
    NAMED.replace_all(&shown, format!("${{1}}{HIDDEN}")).into_owned()
}

#[cfg(test)]
mod tests {
    use crate::config::parse;

    #[test]
    fn secrets_are_not_shown_and_all_else_is() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("rules")).expect("a folder");
        let text = "rules = \"rules\" # all of them\n[sources.k]\ntype = \"kafka\"\nstream = \"s\"\nbrokers = [\"b:9092\"]\n\
                    topics = [\"t\"]\ngroup = \"g\"\n[sources.k.properties]\n\"ssl.key.password\" = \"hidden\"\n\
                    [sinks.desk]\ntype = \"webhook\"\nurl = \"https://ana:hidden@desk.example.com/\"\n\
                    headers = { Authorization = \"Bearer hidden\", X-Team = { env = \"TEAM\" } }\n\
                    [sinks.chat]\ntype = \"slack\"\nurl = \"https://hooks.slack.com/services/hidden\"\n";
        let shown = parse("tripline.toml", text, folder.path()).shown;
        assert!(!shown.contains("hidden"), "{shown}");
        for kept in [
            "rules = \"rules\" # all of them\n",
            "brokers = [\"b:9092\"]",
            "{ env = \"TEAM\" }",
            "type = \"slack\"\nurl = \"***\"\n",
        ] {
            assert!(shown.contains(kept), "{kept} in {shown}");
        }
    }
}
