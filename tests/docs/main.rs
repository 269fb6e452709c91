//! What `docs/language.md`, `docs/errors.md`, `docs/codecs.md`, `docs/sources.md` and `docs/coming-from.md` show is what the program does.

#[cfg(feature = "codecs")]
mod codecs;
mod coming_from;
mod errors;
mod language;
mod limits;
mod page;
mod run;
#[cfg(feature = "service")]
mod sources;
mod statements;
