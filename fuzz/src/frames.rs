//! Any bytes in a segment of the ledger, behind frames that are as they were written: the check of the
//! ledger takes them for a whole ledger, or names what is wrong.
//!
//! The first byte says how the rest is laid out: as it is, or as records in frames whose headers and
//! checksums are right, so that what is behind the checksum is reached as well.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use faramesh_call::Timestamp;
use faramesh_ledger::{Ledger, Options, verify_on};
use faramesh_testkit::{ForgetfulDisk, decision, policy};

const FOLDER: &str = "/ledger";
const NOW: Timestamp = Timestamp(1_795_166_999_999);
const WAIT: Duration = Duration::from_secs(20);
const HEADER_BYTES: usize = 24;

/// A ledger of four records, its segment, and where the last frame of it ends.
struct Pristine {
    disk: ForgetfulDisk,
    segment: PathBuf,
    bytes: Vec<u8>,
    end: usize,
}

fn pristine() -> &'static Pristine {
    static PRISTINE: OnceLock<Pristine> = OnceLock::new();
    PRISTINE.get_or_init(|| {
        let disk = ForgetfulDisk::new();
        let options = Options {
            segment_bytes: 12 << 10,
            first_segment_bytes: 10 << 10,
            reserve_bytes: 0,
            index: false,
            disk: Arc::new(disk.clone()),
            ..Options::new(PathBuf::from(FOLDER), "payments", "host-1")
        };
        let (ledger, _) = Ledger::open(options, NOW, &mut |_| {}).expect("an empty disk opens");
        ledger.append_and_wait(policy(), NOW, WAIT).expect("there is room");
        for agent_seq in 1..=2 {
            ledger.append_and_wait(decision("support", agent_seq), NOW, WAIT).expect("there is room");
        }
        ledger.close();
        drop(ledger);
        let segment = Path::new(FOLDER).join("00000001.wal");
        let bytes = disk.contents(&segment).expect("the first segment is there");
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| (last + 1).next_multiple_of(8));
        verify_on(Arc::new(disk.clone()), Path::new(FOLDER), &mut |_| {}).expect("it is whole");
        Pristine { disk, segment, bytes, end }
    })
}

/// Runs one input.
pub fn run(bytes: &[u8]) {
    let Some((how, rest)) = bytes.split_first() else { return };
    let pristine = pristine();
    let mut segment = pristine.bytes.clone();
    // Behind the frames, instead of them, or over a part of them.
    let at = match how % 4 {
        0 | 1 => pristine.end,
        2 => 512,
        _ => 512 + usize::from(*how) * 8,
    };
    let written = if how % 2 == 0 { rest.to_vec() } else { framed(rest) };
    for (to, from) in segment.iter_mut().skip(at).zip(written) {
        *to = from;
    }
    let disk = pristine.disk.fork();
    disk.overwrite(&pristine.segment, &segment);
    let report = verify_on(Arc::new(disk), Path::new(FOLDER), &mut |_| {});
    if segment == pristine.bytes {
        assert!(report.is_ok(), "nothing changed, and {report:?}");
    }
}

/// Pieces of the bytes as records in frames.
fn framed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (place, piece) in (0_u16..).zip(bytes.split(|byte| *byte == 0).take(8)) {
        let (kind, record) = piece.split_first().unwrap_or((&1, &[]));
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(b"FRMF\x01");
        header.push(kind % 8);
        header.extend_from_slice(&place.to_le_bytes());
        header.extend_from_slice(&u32::try_from(record.len()).unwrap_or(u32::MAX).to_le_bytes());
        let seq = (4 + u64::from(place)).to_le_bytes();
        let checksum = crc32c::crc32c_append(crc32c::crc32c_append(crc32c::crc32c(&header), &seq), record);
        out.extend_from_slice(&header);
        out.extend_from_slice(&checksum.to_le_bytes());
        out.extend_from_slice(&seq);
        out.extend_from_slice(record);
        out.resize(out.len().next_multiple_of(8), 0);
    }
    out
}
