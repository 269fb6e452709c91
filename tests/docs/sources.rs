//! The page of sources: every configuration on it is right.

use std::fs;
use std::process::Command;

use super::page::sections;

const AUTH: &str = "
stream auth { id string, card string, amount float }
rule large {
  by card
  event large = auth where amount > 500
  match large
  alert low \"x\"
}
";
const LOGS: &str = "
stream logs { app string, severity int, message string }
rule error {
  event error = logs where severity <= 3
  match error
  alert low \"x\"
}
";

#[test]
fn every_configuration_is_right() {
    let sections = sections("sources.md");
    let blocks = sections.iter().flat_map(|section| &section.blocks);
    let blocks: Vec<_> = blocks.filter(|block| block.language == "toml").collect();
    assert!(blocks.len() > 6, "the examples are found");
    for block in blocks {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
        // Rules whose state is to move are about one stream.
        let is_moving = block.text.contains("partitioned_by");
        write("rules.trip", &if is_moving { AUTH.to_owned() } else { [AUTH, LOGS].concat() });
        let config = format!(
            "rules = \"rules.trip\"\ndefault_sinks = [\"out\"]\n{}\n[sinks.out]\ntype = \"stdout\"\n",
            block.text
        );
        write("tripline.toml", &config);
        let output = Command::new(env!("CARGO_BIN_EXE_tripline"))
            .args(["check", "tripline.toml"])
            .current_dir(folder.path())
            .output()
            .expect("the command runs");
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "line {}:\n{config}\n{said}", block.line);
    }
}
