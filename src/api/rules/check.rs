//! `/v1/rules/validate`: what is wrong with a text of rules.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Severity, SourceFile, Sources, Span};
use crate::language::{self, tree};
use crate::program::Program;
use crate::runtime::control::Control;

use super::super::extract::Json;
use super::super::problem::Problem;
use super::aside;
use super::view::TextPart;

/// The largest text that is looked at, in bytes.
pub const LARGEST: usize = 64 << 10;
/// What the text is called in what is said of it.
const DRAFT: &str = "draft.trip";

/// A text of rules.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"text": "rule big {\n  by card\n  event big = auth where amount > 100\n  match big\n  alert high \"{card}\"\n}\n"})))]
pub struct Draft {
    /// The text.
    text: String,
    /// Whether it is a whole rule set. Otherwise it knows what the rules of the service declare, and what it declares itself
    /// takes the place of what has the same name there.
    #[serde(default)]
    whole: bool,
}

/// What there is to say of a text.
#[derive(Debug, Serialize, ToSchema)]
pub struct Verdict {
    /// Whether there are no errors.
    pub valid: bool,
    /// Errors and warnings.
    pub diagnostics: Vec<Finding>,
    /// What the parts of the text are, for colours.
    pub tokens: Vec<TextPart>,
    /// The rules that it has.
    pub rules: Vec<String>,
}

/// An error or a warning.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Finding {
    /// `error` or `warning`.
    #[schema(value_type = String)]
    pub severity: Severity,
    /// Its code: `tripline explain CODE` says more.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What is wrong with this place.
    pub label: String,
    /// What to do.
    pub help: Vec<String>,
    /// Another file of the rule set that it is in, if it is not in the text.
    pub file: Option<String>,
    /// The line on which it begins, from 1 on.
    pub line: usize,
    /// The letter with which it begins, from 1 on.
    pub column: usize,
    /// The line on which it ends.
    pub end_line: usize,
    /// The letter before which it ends.
    pub end_column: usize,
    /// Its first byte.
    pub start: u32,
    /// The byte behind its last.
    pub end: u32,
}

/// Looks at a text of rules, without any effect.
#[utoipa::path(
    post,
    path = "/v1/rules/validate",
    tag = "rules",
    responses((status = 200, description = "What there is to say of it."))
)]
pub async fn validate(
    State(control): State<Control>,
    Json(draft): Json<Draft>,
) -> Result<Json<Verdict>, Problem> {
    let Draft { text, whole } = draft;
    not_too_large(&text)?;
    let verdict = aside(&control, move |_, about| {
        let rules = (!whole).then_some(&about.rules);
        Ok(judge(&with_draft(rules, &text, Tests::Kept), &text, Program::compile).1)
    });
    verdict.await.map(Json)
}

/// Whether a text can be looked at.
pub fn not_too_large(text: &str) -> Result<(), Problem> {
    if text.len() > LARGEST {
        return Err(Problem::bad(format!("`text` has more than {LARGEST} bytes")));
    }
    Ok(())
}

/// What becomes of the tests in the files that a draft is looked at with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tests {
    /// They have to fit the draft as well.
    Kept,
    /// They are left out.
    LeftOut,
}

/// The rule set that a draft makes with the files of another, whose declarations of the same names it takes the place of;
/// the draft comes last.
pub fn with_draft(rules: Option<&Sources>, text: &str, tests: Tests) -> Sources {
    let (draft, _) = language::parse(FileId(0), text);
    let declared: Vec<&str> = draft.items.iter().map(name).collect();
    let files = rules.into_iter().flat_map(Sources::iter).map(|(id, file)| {
        let mut kept = file.text.clone().into_bytes();
        let (parsed, _) = language::parse(id, &file.text);
        let is_gone = |item: &&tree::Item| {
            let is_left_out = tests == Tests::LeftOut && matches!(item, tree::Item::Test(_));
            is_left_out || declared.contains(&name(item))
        };
        let replaced = parsed.items.iter().filter(is_gone);
        for span in replaced.filter_map(span) {
            // Lines stay where they are.
            let gone = &mut kept[span.start as usize..span.end as usize];
            gone.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
        }
        (file.name.clone(), String::from_utf8(kept).unwrap_or_default())
    });
    let all: Vec<(String, String)> = files.chain([(DRAFT.to_owned(), text.to_owned())]).collect();
    Sources::new(all)
}

fn name(item: &tree::Item) -> &str {
    match item {
        tree::Item::Stream(stream) => &stream.name.node,
        tree::Item::List(list) => &list.name.node,
        tree::Item::Table(table) => &table.name.node,
        tree::Item::Let(constant) => &constant.name.node,
        tree::Item::Def(def) => &def.name.node,
        tree::Item::Rule(rule) => &rule.name.node,
        tree::Item::Test(test) => &test.name.node,
    }
}

/// The whole of a declaration; none of those that stand for files, whose names are taken.
fn span(item: &tree::Item) -> Option<Span> {
    match item {
        tree::Item::List(_) | tree::Item::Table(_) => None,
        tree::Item::Stream(stream) => Some(stream.span),
        tree::Item::Let(constant) => Some(constant.span),
        tree::Item::Def(def) => Some(def.span),
        tree::Item::Rule(rule) => Some(rule.span),
        tree::Item::Test(test) => Some(test.span),
    }
}

/// A program, if there are no errors, and what there is to say of a draft in its rule set.
pub fn judge(
    sources: &Sources,
    text: &str,
    compile: impl FnOnce(&Sources) -> (Option<Program>, Diagnostics),
) -> (Option<Program>, Verdict) {
    let is_it = |file: &SourceFile| file.name == DRAFT && file.text == text;
    let draft = sources.iter().find(|(_, file)| is_it(file)).map_or(FileId(0), |(id, _)| id);
    let trees: Vec<tree::File> = sources.iter().map(|(id, file)| language::parse(id, &file.text).0).collect();
    let (program, diagnostics) = compile(sources);
    let is_about_it = |diagnostic: &&Diagnostic| {
        diagnostic.primary.span.file == draft || diagnostic.severity() == Severity::Error
    };
    let items = trees.get(draft.0 as usize).into_iter().flat_map(|tree| &tree.items);
    let rules = items.filter_map(|item| match item {
        tree::Item::Rule(rule) => Some(rule.name.node.clone()),
        _ => None,
    });
    let verdict = Verdict {
        valid: program.is_some(),
        diagnostics: diagnostics.iter().filter(is_about_it).map(|one| finding(one, sources, draft)).collect(),
        tokens: language::highlight(sources, &trees, draft)
            .into_iter()
            .map(|part| TextPart::new(part, 0))
            .collect(),
        rules: rules.collect(),
    };
    (program, verdict)
}

fn finding(diagnostic: &Diagnostic, sources: &Sources, draft: FileId) -> Finding {
    let span = diagnostic.primary.span;
    let (begin, end) = (sources.line_column(span.file, span.start), sources.line_column(span.file, span.end));
    Finding {
        severity: diagnostic.severity(),
        code: diagnostic.code.as_str().to_owned(),
        message: diagnostic.message.clone(),
        label: diagnostic.primary.text.clone(),
        help: diagnostic.help.clone(),
        file: (span.file != draft).then(|| sources.file(span.file).name.clone()),
        line: begin.line,
        column: begin.column,
        end_line: end.line,
        end_column: end.column,
        start: span.start,
        end: span.end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
stream logins { user string ok bool }
rule force { by user event bad = logins where not ok match 3+ bad within 1m alert high "{user}" }
stream forces from force
test "quiet" { expect nothing }
"#;

    fn left(draft: &str, tests: Tests) -> Vec<String> {
        let rules = Sources::new(vec![("rules.trip".to_owned(), RULES.to_owned())]);
        let made = with_draft(Some(&rules), draft, tests);
        let (_, file) = made.iter().find(|(_, file)| file.name == "rules.trip").expect("the file");
        assert_eq!(file.text.lines().count(), RULES.lines().count(), "lines stay where they are");
        let (tree, _) = language::parse(FileId(0), &file.text);
        tree.items.iter().map(|item| name(item).to_owned()).collect()
    }

    #[test]
    fn a_draft_takes_the_place_of_what_it_declares_and_tests_stay_if_they_are_to() {
        let mine = r#"rule mine { event one = forces match one alert low "x" }"#;
        assert_eq!(left(mine, Tests::Kept), ["logins", "force", "forces", "quiet"]);
        assert_eq!(left(mine, Tests::LeftOut), ["logins", "force", "forces"]);
        let changed = RULES.lines().find(|line| line.starts_with("rule force")).expect("it is there");
        assert_eq!(left(changed, Tests::LeftOut), ["logins", "forces"]);
    }
}
