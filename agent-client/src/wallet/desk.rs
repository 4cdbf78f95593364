//! A desk of files on which requests wait for a person, beside the wallet's file.
//!
//! The wallet's file has one owner, and the person is another process: `agent wallet approvals`
//! reads the desk, `agent wallet approve` and `agent wallet refuse` write on it. Whoever may write
//! beside the wallet may approve, and could take its key as well.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    approve::{ApprovalId, ApprovalRequest, Approver, Deciding, Decision},
    limits::{APPROVAL_FILE_BYTES_MAX, APPROVAL_VALID_SECS, APPROVALS_WAITING_MAX},
};

/// The desk of the wallet in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalDesk(PathBuf);

/// A request as it lies on the desk. All of it is for a person to read; the texts are escaped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitingApproval {
    /// Its name.
    pub id: ApprovalId,
    /// In what, as a CAIP-19 name.
    pub asset: String,
    /// To whom.
    pub payee: String,
    /// For which skill.
    pub skill: String,
    /// The address of what is paid for.
    pub resource: String,
    /// The most that it may cost, in base units.
    pub max_base_units: String,
    /// When it was asked first, in seconds of Unix time.
    pub asked_unix_secs: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    approved: bool,
    answered_unix_secs: u64,
}

impl ApprovalDesk {
    /// The desk of the wallet in `wallet`, which need not exist.
    #[must_use]
    pub fn of(wallet: &Path) -> Self {
        let mut path = wallet.as_os_str().to_owned();
        path.push(".approvals");
        Self(path.into())
    }

    /// What waits for a person, in the order of names.
    ///
    /// # Errors
    /// When the desk cannot be read. A file on it that cannot be read is left out.
    pub fn waiting(&self) -> io::Result<Vec<WaitingApproval>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut waiting = Vec::new();
        for entry in entries.take(4 * APPROVALS_WAITING_MAX) {
            let path = entry?.path();
            if path.extension().is_some_and(|end| end == ASKED) {
                waiting.extend(read::<WaitingApproval>(&path).ok());
            }
        }
        waiting.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(waiting)
    }

    /// Writes a person's answer to a waiting request. A yes is good for one payment, for
    /// [`APPROVAL_VALID_SECS`] from `now_unix_secs`.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when no such request waits; otherwise when it cannot be written.
    pub fn answer(&self, id: &ApprovalId, approved: bool, now_unix_secs: u64) -> io::Result<()> {
        fs::symlink_metadata(self.file(id, ASKED))?;
        let answer = Answer {
            approved,
            answered_unix_secs: now_unix_secs,
        };
        self.write(&self.file(id, ANSWERED), &answer)
    }

    fn file(&self, id: &ApprovalId, end: &str) -> PathBuf {
        self.0.join(format!("{id}.{end}"))
    }

    fn look(&self, request: &ApprovalRequest) -> io::Result<Decision> {
        let (id, now) = (request.id(), request.now_unix_secs);
        let answered = self.file(&id, ANSWERED);
        match read::<Answer>(&answered) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.put(&id, request)?;
                Ok(Decision::Waiting)
            }
            answer => {
                // Only who takes the answer away may use it, and it is gone before it is used.
                fs::remove_file(&answered)?;
                File::open(&self.0)?.sync_all()?;
                let answer = answer?;
                let until = answer
                    .answered_unix_secs
                    .saturating_add(APPROVAL_VALID_SECS);
                if now > until {
                    return Ok(Decision::Waiting);
                }
                fs::remove_file(self.file(&id, ASKED)).or_else(if_there)?;
                Ok(match answer.approved {
                    true => Decision::Approved,
                    false => Decision::Refused,
                })
            }
        }
    }

    fn put(&self, id: &ApprovalId, request: &ApprovalRequest) -> io::Result<()> {
        let path = self.file(id, ASKED);
        if path.try_exists()? {
            return Ok(());
        }
        let now = request.now_unix_secs;
        let old = |waiting: &&WaitingApproval| {
            waiting.asked_unix_secs.saturating_add(APPROVAL_VALID_SECS) < now
        };
        let mut waiting = self.waiting()?;
        for old in waiting.iter().filter(old) {
            fs::remove_file(self.file(&old.id, ASKED)).or_else(if_there)?;
        }
        waiting.retain(|waiting| !old(&waiting));
        if waiting.len() >= APPROVALS_WAITING_MAX {
            return Err(io::Error::other("too many requests wait for a person"));
        }
        fs::create_dir_all(&self.0)?;
        let waits = WaitingApproval {
            id: id.clone(),
            asset: format!("{}/erc20:{}", request.asset.network, request.asset.address),
            payee: request.payee.to_string(),
            skill: request.skill.to_string(),
            resource: request.resource.to_string(),
            max_base_units: request.max.to_string(),
            asked_unix_secs: now,
        };
        self.write(&path, &waits)
    }

    /// Whole or not at all: what is half written is never read.
    fn write<T: Serialize>(&self, path: &Path, value: &T) -> io::Result<()> {
        let name = format!(".{}", uuid::Uuid::new_v4().simple());
        let fresh = self.0.join(name);
        let mut file = File::create_new(&fresh)?;
        file.write_all(&serde_json::to_vec(value)?)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        File::open(&self.0)?.sync_all()
    }
}

impl Approver for ApprovalDesk {
    fn decide<'a>(&'a self, request: &'a ApprovalRequest) -> Deciding<'a> {
        Box::pin(async move {
            self.look(request).unwrap_or_else(|error| {
                tracing::warn!(%error, "the desk of approvals cannot be used; nothing is approved");
                Decision::Refused
            })
        })
    }
}

const ASKED: &str = "asked";
const ANSWERED: &str = "answered";

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> io::Result<T> {
    if fs::metadata(path)?.len() > APPROVAL_FILE_BYTES_MAX {
        return Err(io::Error::other("the file is too long for an approval"));
    }
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

fn if_there(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    }
}
