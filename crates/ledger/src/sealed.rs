//! The sealed segments as a start from a snapshot finds them, without reading their records: that all of
//! them are there, with the lengths and in the order that their manifests tell, and a digest over those.
//! What the records of them say is read behind READY.

use std::io;
use std::path::Path;

use faramesh_dpr::{GENESIS, Hash, hash_of};

use crate::carry;
use crate::disk::{self, Disk, OpenMode};
use crate::manifest::Manifest;
use crate::segment;

/// The digest over no manifest.
pub(crate) const NOTHING: Hash = GENESIS;

/// The digest over one manifest more. When it was written is not part of it: a lost one is made again.
pub(crate) fn with(digest: &Hash, manifest: &Manifest) -> Hash {
    let mut bytes = digest.to_vec();
    bytes.extend(Manifest { sealed_at: faramesh_call::Timestamp(0), ..manifest.clone() }.encode());
    hash_of(&bytes)
}

/// What the folder's sealed segments come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// The digest over their manifests.
    pub digest: Hash,
    /// Those whose bodies are in an archive: the chain must tell of each.
    pub archived: Vec<u64>,
}

/// Looks at the first `count` segments.
///
/// # Errors
/// What is not as it should be, in words: the records are read then, and tell.
pub(crate) fn look(
    disk: &dyn Disk,
    directory: &Path,
    names: &[String],
    count: u64,
) -> Result<Sealed, String> {
    let has = |name: String| names.contains(&name);
    let mut sealed = Sealed { digest: NOTHING, archived: Vec::new() };
    let mut before: Option<Manifest> = None;
    for number in 1..=count {
        let manifest = match Manifest::read(disk, directory, number, 0) {
            Ok(Some(manifest)) if manifest.segment == number => manifest,
            Ok(_) => return Err(format!("segment {number} has no manifest")),
            Err(error) => return Err(error.to_string()),
        };
        let expected =
            before.as_ref().map_or((1, GENESIS), |before| (before.last_seq.saturating_add(1), before.head));
        if (manifest.first_seq, manifest.prev) != expected {
            return Err(format!("segment {number} does not go on from the one before"));
        }
        let body = directory.join(segment::file_name(number));
        let has_carry = has(carry::file_name(number));
        match disk::retry(|| disk.open(&body, OpenMode::Read)?.length()) {
            // A compaction that was begun is finished or undone first.
            Ok(_) if has_carry => return Err(format!("segment {number} is half archived")),
            Ok(length) if length == manifest.bytes => {}
            Ok(length) => return Err(format!("segment {number} has {length} bytes, not {}", manifest.bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && has_carry => {
                if !has(carry::digests_name(number)) {
                    return Err(format!("segment {number} has no digests"));
                }
                sealed.archived.push(number);
            }
            Err(error) => return Err(format!("segment {number}: {error}")),
        }
        sealed.digest = with(&sealed.digest, &manifest);
        before = Some(manifest);
    }
    Ok(sealed)
}
