//! `tripline token new`

use std::process::ExitCode;

use serde::Serialize;

use crate::access::{self, Entry, Role, Token, check_name};
use crate::cli::silences::add::time;
use crate::cli::{Misuse, output};
use crate::event::{Duration, Timestamp};
use crate::runtime::clock::SystemClock;
use crate::source::Clock;

use super::File;

/// Make a token
///
/// It is printed once, to standard output, and kept nowhere: only its hash goes into the file. Whoever has it may do what its role
/// says until it expires or is revoked: `read` looks, `operate` also sees to alerts, `admin` also changes what the service does.
#[derive(Debug, clap::Args)]
pub struct New {
    /// Who is to have it: a person or a program; it stands in the audit log
    #[arg(long, short, value_name = "NAME", value_parser = name)]
    name: String,

    /// What they may do: `read`, `operate` or `admin`
    #[arg(long, short, value_name = "ROLE")]
    role: Role,

    /// How long it counts, as `90d`, or until when, as `2027-01-01T00:00:00Z` [default: until it is revoked]
    #[arg(long, value_name = "DURATION|TIME", value_parser = expiry)]
    expires: Option<Expiry>,

    #[command(flatten)]
    file: File,

    /// Write a JSON object instead of the token alone
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug)]
enum Expiry {
    After(Duration),
    At(Timestamp),
}

fn name(text: &str) -> Result<String, String> {
    check_name(text).map(|()| text.to_owned())
}

fn expiry(text: &str) -> Result<Expiry, String> {
    if let Some(after) = Duration::parse(text).filter(|after| *after > Duration::ZERO) {
        return Ok(Expiry::After(after));
    }
    let at = time(text).map(Expiry::At);
    at.map_err(|_| "write how long it counts, as `90d`, or until when, as `2027-01-01T00:00:00Z`".into())
}

/// What is printed for programs.
#[derive(Serialize)]
struct Made<'a> {
    token: &'a str,
    #[serde(flatten)]
    entry: &'a Entry,
}

impl New {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let New { name, role, expires, file, json } = self;
        let now = SystemClock.now();
        let expires = expires.map(|expires| match expires {
            Expiry::After(after) => now.saturating_add(after),
            Expiry::At(at) => at,
        });
        if expires.is_some_and(|expires| expires <= now) {
            return Err(Misuse("a token that has expired already is of no use".into()).into());
        }
        let path = file.path()?;
        let token = Token::new(rand::random());
        let entry = Entry { name, role, sha256: token.digest(), created: Some(now), expires };
        access::file::change(&path, |tokens| anyhow::Ok(tokens.add(entry.clone())?))?;
        if json {
            output::print_json(&Made { token: token.reveal(), entry: &entry })?;
            return Ok(ExitCode::SUCCESS);
        }
        output::print(&format!("{}\n", token.reveal()))?;
        let until = entry.expires.map(|expires| format!(" until {expires}")).unwrap_or_default();
        let (name, path) = (&entry.name, path.display());
        output::complain(&format!(
            "`{name}` has the role `{role}`{until}. This is the only time that the token is shown; `{path}` has its hash."
        ));
        Ok(ExitCode::SUCCESS)
    }
}
