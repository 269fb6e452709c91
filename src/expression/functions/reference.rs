//! The reference page, made from the tables.

use std::fmt::Write as _;

use super::{FAMILIES, Function, SPECIAL_FORMS, Signature};

/// The functions of the language as a Markdown page: by family, with signatures, meaning and
/// examples. `docs/functions.md` is this text; a test compares them.
pub fn reference() -> String {
    let mut page = String::from(HEAD);
    for family in FAMILIES {
        section(&mut page, family.title, family.notes);
        for function in family.functions {
            describe(&mut page, function);
        }
    }
    section(&mut page, "Null and choice", SPECIAL_NOTES);
    for form in SPECIAL_FORMS {
        put(&mut page, format_args!("\n### {0}\n\n`{0}{1}`\n", form.name, form.signature));
        meaning(&mut page, form.summary, form.examples);
    }
    page
}

const HEAD: &str = "\
# Functions

<!-- Made from src/expression/functions/ by `UPDATE_DOCS=1 cargo test reference_page`. Do not edit. -->

A call is a name and its arguments: `lower(merchant)`. An argument in brackets may be left out. Where the types do not
fit, the rule does not compile. A null argument makes the result null, and so does what cannot be computed: a rule never
stops because of a value.
";

const SPECIAL_NOTES: &str = "\
These two take arguments of any type that have a type in common (`int` and `float` have `float`), and look at \
no more of them than they need.";

fn section(page: &mut String, title: &str, notes: &str) {
    put(page, format_args!("\n## {title}\n"));
    if !notes.is_empty() {
        put(page, format_args!("\n{notes}\n"));
    }
}

fn describe(page: &mut String, function: &Function) {
    put(page, format_args!("\n### {}\n\n", function.name));
    for (index, signature) in function.signatures.iter().enumerate() {
        // Two blanks at the end of a line break it in Markdown; a backslash can be seen.
        let end = if index + 1 < function.signatures.len() { "\\" } else { "" };
        put(page, format_args!("`{}{}`{end}\n", function.name, signature));
    }
    meaning(page, function.summary, function.examples);
}

fn meaning(page: &mut String, summary: &str, examples: &[(&str, &str)]) {
    put(page, format_args!("\n{summary}\n\n| Example | Value |\n|---|---|\n"));
    for (expression, value) in examples {
        put(page, format_args!("| `{}` | `{}` |\n", cell(expression), cell(value)));
    }
}

/// `(at timestamp [, zone string]) → int`
impl std::fmt::Display for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let required = self.parameters.len() - self.optional;
        f.write_str("(")?;
        for (index, (name, ty)) in self.parameters.iter().enumerate() {
            match (index, index < required) {
                (0, true) => write!(f, "{name} {ty}")?,
                (_, true) => write!(f, ", {name} {ty}")?,
                (0, false) => write!(f, "[{name} {ty}]")?,
                (_, false) => write!(f, " [, {name} {ty}]")?,
            }
        }
        write!(f, ") → {}", self.result)
    }
}

/// A bar would end the cell of the table, even inside of code.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn put(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("writing into a string cannot fail");
}
