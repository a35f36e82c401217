//! Who runs the rows.

use std::fmt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Whoever runs the tests, or an ordinary user where that is root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    Root,
    /// Who runs this anyway.
    Self_,
    /// User and group.
    Other(u32, u32),
}

/// All that this process may become.
pub fn all() -> Vec<User> {
    match rustix::process::getuid().is_root() {
        true => vec![User::Root, ordinary()],
        false => vec![User::Self_],
    }
}

/// The first account of a person, else nobody: login.defs(5).
fn ordinary() -> User {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let ids = accounts.lines().filter_map(|line| {
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    let mut people = ids.filter(|(user, _): &(u32, u32)| (1_000..60_000).contains(user));
    let (user, group) = people.next().unwrap_or((65_534, 65_534));
    User::Other(user, group)
}

impl User {
    /// As a test's name says it.
    pub fn words(&self) -> &'static str {
        match self {
            User::Root => "as_root",
            User::Self_ | User::Other(..) => "as_an_ordinary_user",
        }
    }

    /// Lets a command run as this user.
    pub fn runs<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        match self {
            User::Other(user, group) => command.uid(*user).gid(*group),
            _ => command,
        }
    }

    /// User and group, where they are not this process's own.
    pub fn ids(&self) -> Option<(u32, u32)> {
        match self {
            User::Other(user, group) => Some((*user, *group)),
            _ => None,
        }
    }
}

impl fmt::Display for User {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.words().replace('_', " "))
    }
}
