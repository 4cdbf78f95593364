//! The kill switch: a file beside the wallet's, which stops all spending while it is there.
//!
//! A file, because the wallet's own has one owner at a time: another process, or a person with no
//! program at all, stops a running buyer by it, and it is still there after a restart. What was
//! signed before stays signed.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// The switch of the wallet in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KillSwitch(PathBuf);

impl KillSwitch {
    /// The switch of the wallet in `wallet`, which need not exist.
    #[must_use]
    pub fn of(wallet: &Path) -> Self {
        let mut path = wallet.as_os_str().to_owned();
        path.push(".killed");
        Self(path.into())
    }

    /// Where the file is while spending is stopped.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether spending is stopped. What cannot be looked at counts as stopped.
    #[must_use]
    pub fn is_on(&self) -> bool {
        match fs::symlink_metadata(&self.0) {
            Ok(_) => true,
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Stops all spending from the next payment on, and after restarts. On disk when it returns.
    ///
    /// # Errors
    /// When the file cannot be written: spending may go on.
    pub fn kill(&self) -> io::Result<()> {
        let opened = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&self.0);
        opened?.sync_all()?;
        self.sync_directory()
    }

    /// Lets spending go on, as the policy allows it.
    ///
    /// # Errors
    /// When the file cannot be removed: spending stays stopped.
    pub fn resume(&self) -> io::Result<()> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => self.sync_directory(),
        }
    }

    /// The name of a file is in its directory; it lasts when that is on disk.
    fn sync_directory(&self) -> io::Result<()> {
        let parent = self.0.parent().filter(|path| !path.as_os_str().is_empty());
        File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()
    }
}
