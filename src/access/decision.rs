//! Who somebody is, and whether they may do what they ask for.

use serde::Serialize;
use utoipa::ToSchema;

use crate::event::Timestamp;

use super::bearer::Bearer;
use super::role::Role;
use super::subject::{Certificate, Client};
use super::token::Digest;
use super::tokens::TokenSet;

/// Who is known.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// The tokens, if some are wanted.
    pub tokens: Option<&'a TokenSet>,
    /// Those who are known by certificates.
    pub clients: &'a [Client],
}

impl Policy<'_> {
    /// Whether nobody has to show who they are.
    pub fn is_open(self) -> bool {
        self.tokens.is_none() && self.clients.is_empty()
    }
}

/// What a request shows of who sends it.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// Whether it came over the socket in the folder of the state, which is its owner's.
    pub is_owner: bool,
    /// The certificate of its connection, if there is one.
    pub certificate: Option<&'a Certificate>,
    /// Its token.
    pub bearer: Bearer<'a>,
}

/// Somebody who is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// What they are known by.
    pub by: By,
    /// Their name: that of the token, or what the certificate is known by.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// What somebody is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = KnownBy)]
pub enum By {
    /// A token.
    Token,
    /// A certificate.
    Certificate,
    /// They may open the socket in the folder of the state.
    Socket,
    /// Nothing: nobody has to show who they are.
    Nothing,
}

/// Why somebody is not let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// They do not show who they are.
    #[error("this needs a token: send `Authorization: Bearer TOKEN`; `tripline token new` makes one")]
    Nothing,
    /// They show a certificate that nobody is known by.
    #[error("nobody is known by the certificate `{shown}`: it is not in `api.tls.clients`")]
    Certificate {
        /// What it says.
        shown: String,
    },
    /// What they show is no token.
    #[error("the header `Authorization` is not one `Bearer TOKEN`")]
    Wrong,
    /// Nobody has this token.
    #[error("this token is not known here; it may have been revoked")]
    Unknown,
    /// The token counts no longer.
    #[error("the token `{name}` has expired at {at}; `tripline token new` makes another")]
    Expired {
        /// Its name.
        name: String,
        /// When.
        at: Timestamp,
    },
    /// They may do less than they ask for.
    #[error("this needs the role `{needed}`; `{name}` has `{role}`")]
    Role {
        /// Who.
        name: String,
        /// What they may do.
        role: Role,
        /// What it needs.
        needed: Role,
    },
}

/// Who sends a request.
///
/// # Errors
/// When they do not show it, or what they show does not count.
pub fn who(shown: &Shown<'_>, policy: Policy<'_>, now: Timestamp) -> Result<Who, Refused> {
    if shown.is_owner {
        return Ok(Who { by: By::Socket, name: "socket".into(), role: Role::Admin });
    }
    if policy.is_open() {
        return Ok(Who { by: By::Nothing, name: "anonymous".into(), role: Role::Admin });
    }
    match (shown.bearer, policy.tokens) {
        // Who shows a token means it, whichever certificate the connection has.
        (Bearer::Token(token), Some(tokens)) => {
            let entry = tokens.find(&Digest::of(token)).ok_or(Refused::Unknown)?;
            match entry.expires {
                Some(at) if entry.is_over(now) => Err(Refused::Expired { name: entry.name.clone(), at }),
                _ => Ok(Who { by: By::Token, name: entry.name.clone(), role: entry.role }),
            }
        }
        (Bearer::Token(_), None) => Err(Refused::Unknown),
        (Bearer::Wrong, _) => Err(Refused::Wrong),
        (Bearer::Nothing, _) => {
            let certificate = shown.certificate.ok_or(Refused::Nothing)?;
            // Of several marks that it has, that with most rights.
            let mut known: Vec<&Client> =
                policy.clients.iter().filter(|client| client.mark.is_of(certificate)).collect();
            known.sort_by_key(|client| client.role);
            let unknown = || Refused::Certificate { shown: certificate.to_string() };
            let client = known.last().ok_or_else(unknown)?;
            Ok(Who { by: By::Certificate, name: client.mark.to_string(), role: client.role })
        }
    }
}

/// Whether somebody may do what needs this role.
///
/// # Errors
/// When they may not.
pub fn permit(who: &Who, needed: Role) -> Result<(), Refused> {
    if who.role >= needed {
        return Ok(());
    }
    Err(Refused::Role { name: who.name.clone(), role: who.role, needed })
}
