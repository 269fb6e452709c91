//! What `docs/language.md`, `docs/errors.md`, `docs/codecs.md`, `docs/sources.md` and `docs/coming-from.md` show is what the program does, and
//! that `docs/operating.md` says what to do for each alert.

#[cfg(feature = "codecs")]
mod codecs;
mod coming_from;
mod errors;
mod language;
mod limits;
mod operating;
mod page;
mod run;
#[cfg(feature = "service")]
mod sources;
mod statements;
