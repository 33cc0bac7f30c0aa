//! The seed of the key that signs tokens in local runs. It is made once and kept with the data, so that tokens stay
//! valid after a restart. Deployments read their seed from Secrets Manager and do not use this module.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use local::private;
use shared::random::Random;

/// Returns a new seed: 32 random bytes in base64url.
pub(crate) fn fresh(random: &Random) -> String {
    URL_SAFE_NO_PAD.encode(random.bytes::<32>())
}

/// Returns the seed in the file, and makes the file if it is missing. Two processes that make it at the same time get
/// the same seed.
pub(crate) fn kept_in(file: &Path, random: &Random) -> io::Result<String> {
    if !file.exists() {
        make(file, random)?;
    }
    // The process continues, because the file can be on a volume that cannot be changed.
    if let Err(error) = private::existing(file) {
        tracing::warn!(%error, file = %file.display(), "other users may be able to read the signing seed");
    }
    fs::read_to_string(file)
}

/// Makes the file with a new seed. Temporary files have the mode 0600, and moving the file leaves no incomplete seed.
/// Another process may have made the file meanwhile; then its seed stays.
fn make(file: &Path, random: &Random) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    private::folder(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(fresh(random).as_bytes())?;
    new.as_file().sync_all()?;
    match new.persist_noclobber(file) {
        Err(lost) if lost.error.kind() != io::ErrorKind::AlreadyExists => Err(lost.error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_made_once_and_is_nobody_elses_business() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("new");
        let file = folder.join("seed");
        let random = Random::from_seed(1);
        let seed = kept_in(&file, &random).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(&seed).unwrap().len(), 32);
        assert_eq!(kept_in(&file, &random).unwrap(), seed);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let files: Vec<_> = fs::read_dir(folder).unwrap().collect();
        assert_eq!(files.len(), 1);
    }
}
