//! What `docs/language.md`, `docs/errors.md` and `docs/coming-from.md` show is what the program does.

mod coming_from;
mod errors;
mod language;
mod limits;
mod page;
mod run;
mod statements;
