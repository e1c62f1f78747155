//! Any bytes as a record: refused, or a record of canonical bytes that every question finds an answer in.

use faramesh_call::json;
use faramesh_dpr::Record;

/// Runs one input.
pub fn run(bytes: &[u8]) {
    let Ok(record) = Record::parse(bytes) else { return };
    assert_eq!(&**record.bytes(), bytes, "the stored bytes are the record");
    let value = json::parse(bytes).expect("a record is JSON");
    assert_eq!(json::canonical(&value), bytes, "a record is canonical");
    let texts = [record.agent(), record.tool(), record.session(), record.call_id(), record.parent()];
    drop((texts, record.code(), record.reason(), record.args_commitment()));
    drop((record.rule_ref(), record.rule_digest(), record.approval_id()));
    drop((record.args(), record.approval(), record.changes(), record.detail()));
    let _ = (record.id(), record.kind(), record.epoch(), record.seq(), record.time(), record.prev());
    let _ = (record.effect(), record.enforced(), record.dev(), record.policy(), record.agent_seq());
    for (name, member) in value.as_object().expect("a record is an object").iter() {
        assert_eq!(record.field(name).as_ref(), Some(member), "`{name}` reads differently");
    }
}
