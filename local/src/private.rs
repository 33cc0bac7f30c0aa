//! Keeps local data private to the user of the process: folders have the mode 0700, files 0600. On systems without such
//! modes, only the user's own folder protects the data.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Files that only this program makes. A folder that contains one of them is a data folder.
const OURS: [&str; 3] = ["messaging.sqlite", "signing.seed", "lock"];

/// Makes a folder that only its user can enter. An existing folder is closed to other users if it is empty or a data
/// folder. Any other folder is not changed, because it may be meant for several users.
pub fn folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return if is_for_data(folder)? { close(folder, 0o700) } else { Ok(()) };
    }
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    // Another process may have made the folder since the check. Then its existence is not an error.
    match make(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Opens a file that only its user can read or write, and makes it if it is missing.
pub fn file(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let opened = options.open(file)?;
    existing(file)?;
    Ok(opened)
}

/// Replaces a private file at once, so that a process that is killed leaves the old or the new content.
pub fn replace(file: &Path, content: &[u8]) -> io::Result<()> {
    let new = file.with_extension("new");
    let mut written = self::file(&new)?;
    written.set_len(0)?;
    written.write_all(content)?;
    fs::rename(&new, file)
}

/// Closes a file to all other users. A missing file is not an error.
pub fn existing(file: &Path) -> io::Result<()> {
    match close(file, 0o600) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        closed => closed,
    }
}

fn is_for_data(folder: &Path) -> io::Result<bool> {
    let is_empty = fs::read_dir(folder)?.next().is_none();
    let is_ours = OURS.iter().any(|name| folder.join(name).exists());
    Ok(is_empty || (is_ours && !is_shared(folder)?))
}

#[cfg(unix)]
fn make(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make(folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)
}

/// Returns true if everybody may create files in the folder, as in `/tmp`.
#[cfg(unix)]
fn is_shared(folder: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    const STICKY: u32 = 0o1000;
    Ok(fs::metadata(folder)?.permissions().mode() & STICKY != 0)
}

#[cfg(not(unix))]
fn is_shared(_: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Removes the permissions of other users. If the path belongs to another user, as a container's volume can, this only
/// logs a warning.
#[cfg(unix)]
fn close(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    const OTHERS: u32 = 0o077;
    if fs::metadata(path)?.permissions().mode() & OTHERS == 0 {
        return Ok(());
    }
    match fs::set_permissions(path, fs::Permissions::from_mode(mode)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            tracing::warn!(path = %path.display(), "other users may be able to read this; it belongs to one of them");
            Ok(())
        }
        set => set,
    }
}

#[cfg(not(unix))]
fn close(path: &Path, _: u32) -> io::Result<()> {
    fs::metadata(path).map(drop)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn open_to_all(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn folders_and_files_are_closed_to_others() {
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("a/data");
        folder(&data).unwrap();
        assert_eq!(mode(&data), 0o700);
        let seed = data.join("signing.seed");
        file(&seed).unwrap();
        assert_eq!(mode(&seed), 0o600);
        open_to_all(&data, 0o755);
        open_to_all(&seed, 0o644);
        folder(&data).unwrap();
        file(&seed).unwrap();
        assert_eq!((mode(&data), mode(&seed)), (0o700, 0o600));
        existing(&data.join("nothing")).unwrap();
    }

    #[test]
    fn a_folder_for_many_stays_so() {
        let place = tempfile::tempdir().unwrap();
        let home = place.path().join("home");
        fs::create_dir(&home).unwrap();
        fs::write(home.join("letter"), "").unwrap();
        open_to_all(&home, 0o755);
        folder(&home).unwrap();
        assert_eq!(mode(&home), 0o755);
        fs::write(home.join("lock"), "").unwrap();
        open_to_all(&home, 0o1777);
        folder(&home).unwrap();
        assert_eq!(mode(&home), 0o1777);
    }
}
