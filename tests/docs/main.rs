//! What `docs/language.md` and `docs/errors.md` show is what the program does.

mod errors;
mod language;
mod limits;
mod page;
mod run;
mod statements;
