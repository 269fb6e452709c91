//! Reads where secrets are.
//!
//! A key `x` that takes a secret can be given in three ways: `x` is the secret itself, `x_env` the name of an
//! environment variable that holds it, `x_file` the path of a file that does. Whether it is there is not asked
//! here: a configuration can be checked where its secrets are not.

use std::path::Path;

use toml::Spanned;
use toml::de::DeValue;

use crate::diagnostic::Span;
use crate::diagnostic::codes::{E0604, E0612};
use crate::secret::Secret;

use super::{Located, Report, Table, check_url, list, text};
use crate::config::reference::{Key, Missing, Takes};

/// How a secret is given.
enum Given<'a> {
    Itself(&'a Spanned<DeValue<'a>>),
    Variable(&'static str, &'a Spanned<DeValue<'a>>),
    File(&'static str, &'a Spanned<DeValue<'a>>),
}

impl<'a> Table<'a> {
    /// A secret. Paths of files begin at `folder`.
    pub fn secret(&self, name: &str, folder: &Path, report: &mut Report) -> Option<Secret> {
        self.secret_that(name, folder, |_| Ok(()), report)
    }

    /// A URL that may hold a secret, such as one that everyone may send to who knows it.
    pub fn secret_url(&self, name: &str, folder: &Path, report: &mut Report) -> Option<Secret> {
        self.secret_that(name, folder, |text| check_url(text).map(|_| ()), report)
    }

    /// Secrets by names that can be any: `{ NAME = "…" }`, `{ NAME = { env = "…" } }` or `{ NAME = { file = "…" } }`.
    pub fn secrets(&self, name: &str, folder: &Path, report: &mut Report) -> Vec<(Located<String>, Secret)> {
        let Some((values, _)) = self.table(name, report) else { return Vec::new() };
        let mut secrets = Vec::new();
        for (member, value) in values {
            let place = report.span(member);
            let whole = format!("{name}.{}", member.get_ref());
            let inner = value.get_ref().as_table().filter(|table| table.len() == 1);
            let given =
                |key: &str| inner.and_then(|table| table.get(key)).and_then(|value| value.get_ref().as_str());
            let secret = match (value.get_ref().as_str(), given("env"), given("file")) {
                (Some(text), _, _) => {
                    let secret = report.span(value);
                    report.secrets.push(secret);
                    Some(Secret::text(&whole, text.trim()))
                }
                (_, Some(env), _) => {
                    let name = Located { value: env.to_owned(), span: report.span(value) };
                    variable(&whole, &name, report)
                }
                (_, _, Some(file)) => Some(Secret::file(&whole, folder.join(file.trim()))),
                _ => {
                    let message = format!("`{whole}` takes a text, or where the text is");
                    let help = "write `\"…\"`, `{ env = \"VARIABLE\" }` or `{ file = \"path\" }`";
                    report.wrong(E0604, report.span(value), message, Some(help.into()));
                    None
                }
            };
            let name = Located { value: member.get_ref().to_string(), span: place };
            secrets.extend(secret.map(|secret| (name, secret)));
        }
        secrets
    }

    /// A secret that stands the check if it is in the configuration itself.
    fn secret_that(
        &self,
        name: &str,
        folder: &Path,
        check: impl FnOnce(&str) -> Result<(), super::BadUrl>,
        report: &mut Report,
    ) -> Option<Secret> {
        let (key, given) = self.given(name, report)?;
        let (name, value) = match given {
            Given::Itself(value) => (key.name, value),
            Given::Variable(name, value) | Given::File(name, value) => (name, value),
        };
        if let Given::Itself(value) = given {
            let secret = report.span(value);
            report.secrets.push(secret);
        }
        let words = text(value, key, report)?;
        let trimmed = words.value.trim();
        if trimmed.is_empty() {
            let message = format!("`{name}` cannot be empty");
            report.wrong(E0612, words.span, message, None);
            return None;
        }
        match given {
            Given::Itself(_) => match check(trimmed) {
                Ok(()) => Some(Secret::text(name, trimmed)),
                Err(wrong) => {
                    wrong.report(words.span, report);
                    None
                }
            },
            Given::Variable(..) => variable(name, &words, report),
            Given::File(..) => Some(Secret::file(name, folder.join(trimmed))),
        }
    }

    /// Where a secret is given, if it is.
    pub fn secret_place(&self, name: &str, report: &Report) -> Option<Span> {
        let Takes::Secret { env, file } = self.section.key(name).takes else { return None };
        [name, env, file].iter().find_map(|name| self.place(name, report))
    }

    /// A secret that must be there because of what other keys say.
    pub fn required_secret(&self, name: &str, folder: &Path, report: &mut Report) -> Option<Secret> {
        if self.secret_place(name, report).is_none() {
            self.report_missing(self.section.key(name), report);
        }
        self.secret(name, folder, report)
    }

    /// The one way in which a secret is given. Several are a mistake.
    fn given(&self, name: &str, report: &mut Report) -> Option<(&'static Key, Given<'a>)> {
        let key = self.section.key(name);
        let Takes::Secret { env, file } = key.takes else { unreachable!("`{name}` takes a secret") };
        let value = |name| self.values.get(name);
        let ways = [value(key.name).map(Given::Itself), value(env).map(|value| Given::Variable(env, value))];
        let mut ways = ways.into_iter().chain([value(file).map(|value| Given::File(file, value))]).flatten();
        match (ways.next(), ways.next()) {
            (Some(given), None) => Some((key, given)),
            (Some(_), Some(_)) => {
                let place = self.place(env, report).or_else(|| self.place(file, report));
                let message = format!("the secret `{name}` is given more than once");
                let help = format!("keep one of {}", list([key.name, env, file]));
                report.contradiction(place.unwrap_or(self.heading), message, help);
                None
            }
            (None, _) => {
                if key.missing == Missing::Mistake
                    && ![env, file].iter().any(|name| self.meant.contains(name))
                {
                    self.report_missing(key, report);
                }
                None
            }
        }
    }
}

/// A secret in an environment variable of that name.
fn variable(key: &str, name: &Located<String>, report: &mut Report) -> Option<Secret> {
    let variable = name.value.trim();
    // What others the system takes cannot be asked for by their names everywhere.
    if variable.contains(['=', '\0', ' ', '$']) {
        let message = format!("`{key}` takes the name of an environment variable");
        report.wrong(E0612, name.span, message, Some("for example `DESK_TOKEN`, without `$`".into()));
        return None;
    }
    Some(Secret::variable(key, variable))
}
