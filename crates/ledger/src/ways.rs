//! Ways to the records that a filter lets through: an index of theirs each, and how several are gone at once.

use rusqlite::{Connection, Rows, Statement};

/// Rows up to which ways are counted: the records of one that has fewer are looked at one by one. Tests have
/// few records, and go both ways.
const COUNTED: i64 = if cfg!(test) { 16 } else { 20_000 };
/// Values that a way may have to be gone together with others.
const MAX_CURSORS: usize = 64;

/// An index, and the values of its column that a filter lets through.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) index: &'static str,
    pub(crate) column: &'static str,
    pub(crate) values: Vec<i64>,
}

impl Way {
    /// The condition in SQL. Its values are numbers: nothing of a caller's stands in it.
    pub(crate) fn condition(&self) -> String {
        if let [only] = self.values.as_slice() {
            return format!("{} = {only}", self.column);
        }
        let values: Vec<String> = self.values.iter().map(i64::to_string).collect();
        format!("{} IN ({})", self.column, values.join(", "))
    }

    fn count(&self, connection: &Connection) -> rusqlite::Result<i64> {
        let query = format!(
            "SELECT count(*) FROM (SELECT 1 FROM records INDEXED BY {} WHERE {} LIMIT {COUNTED})",
            self.index,
            self.condition()
        );
        connection.query_row(&query, [], |row| row.get(0))
    }
}

/// The way with the fewest records, when it has few.
pub(crate) fn short<'a>(connection: &Connection, ways: &'a [Way]) -> rusqlite::Result<Option<&'a Way>> {
    let mut best: Option<(i64, &Way)> = None;
    for way in ways {
        let count = way.count(connection)?;
        if count < COUNTED && best.is_none_or(|(fewest, _)| count < fewest) {
            best = Some((count, way));
        }
    }
    Ok(best.map(|(_, way)| way))
}

/// Whether there is a way that [`meet`] can go.
pub(crate) fn can_meet(ways: &[Way]) -> bool {
    ways.iter().any(is_narrow)
}

fn is_narrow(way: &Way) -> bool {
    way.values.len() <= MAX_CURSORS
}

/// The numbers of records, at least `first` and below `behind`, that are on every narrow way, in order,
/// until `take` has enough. Reads indexes only, each number of each way at most once.
pub(crate) fn meet(
    connection: &Connection,
    ways: &[Way],
    (first, behind): (i64, i64),
    newest_first: bool,
    mut take: impl FnMut(i64) -> rusqlite::Result<bool>,
) -> rusqlite::Result<()> {
    let order = if newest_first { "DESC" } else { "ASC" };
    let prepare = |way: &Way, value: &i64| {
        connection.prepare(&format!(
            "SELECT seq FROM records INDEXED BY {} WHERE {} = {value} AND seq >= {first} AND seq < {behind} \
             ORDER BY seq {order}",
            way.index, way.column
        ))
    };
    let prepared = ways.iter().filter(|way| is_narrow(way)).map(|way| {
        let statements = way.values.iter().map(|value| prepare(way, value));
        statements.collect::<rusqlite::Result<Vec<Statement<'_>>>>()
    });
    let mut prepared = prepared.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut streams = Vec::with_capacity(prepared.len());
    for statements in &mut prepared {
        let cursors = statements.iter_mut().map(|statement| Cursor::new(statement, newest_first));
        streams.push(Stream(cursors.collect::<rusqlite::Result<_>>()?));
    }
    loop {
        let mut furthest = i64::MIN;
        for stream in &streams {
            let Some(place) = stream.place() else { return Ok(()) };
            furthest = furthest.max(place);
        }
        let mut is_met = true;
        for stream in &mut streams {
            stream.go_to(furthest)?;
            is_met &= stream.place() == Some(furthest);
        }
        if !is_met {
            continue;
        }
        if !take(if newest_first { -furthest } else { furthest })? {
            return Ok(());
        }
        for stream in &mut streams {
            stream.go_to(furthest + 1)?;
        }
    }
}

/// The records of one value, in order. Places rise, also when numbers fall.
struct Cursor<'a> {
    rows: Rows<'a>,
    place: Option<i64>,
    newest_first: bool,
}

impl<'a> Cursor<'a> {
    fn new(statement: &'a mut Statement<'_>, newest_first: bool) -> rusqlite::Result<Self> {
        let mut cursor = Self { rows: statement.query([])?, place: None, newest_first };
        cursor.step()?;
        Ok(cursor)
    }

    fn step(&mut self) -> rusqlite::Result<()> {
        let number: Option<i64> = self.rows.next()?.map(|row| row.get(0)).transpose()?;
        self.place = number.map(|number| if self.newest_first { -number } else { number });
        Ok(())
    }
}

/// The records of one way.
struct Stream<'a>(Vec<Cursor<'a>>);

impl Stream<'_> {
    fn place(&self) -> Option<i64> {
        self.0.iter().filter_map(|cursor| cursor.place).min()
    }

    fn go_to(&mut self, place: i64) -> rusqlite::Result<()> {
        for cursor in &mut self.0 {
            while cursor.place.is_some_and(|at| at < place) {
                cursor.step()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use faramesh_call::{Effect, Timestamp};
    use faramesh_dpr::{Kind, Record};
    use faramesh_testkit::{decision, policy};

    use super::*;
    use crate::index::Index;
    use crate::{Filter, Ledger, Options, Reader};

    const RECORDS: i64 = 3_000;

    /// Records whose columns are remainders of their numbers.
    fn records() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE records (seq INTEGER PRIMARY KEY, agent, tool);
                 CREATE INDEX by_agent ON records (agent);
                 CREATE INDEX by_tool ON records (tool) WHERE tool IS NOT NULL;",
            )
            .unwrap();
        let mut insert = connection.prepare("INSERT INTO records VALUES (?1, ?2, ?3)").unwrap();
        for seq in 1..=RECORDS {
            let tool = (seq % 11 != 0).then_some(seq % 7);
            insert.execute(rusqlite::params![seq, seq % 5, tool]).unwrap();
        }
        drop(insert);
        connection
    }

    fn way(index: &'static str, column: &'static str, values: &[i64]) -> Way {
        Way { index, column, values: values.to_vec() }
    }

    fn met(ways: &[Way], range: (i64, i64), newest_first: bool, limit: usize) -> Vec<i64> {
        let mut found = Vec::new();
        meet(&records(), ways, range, newest_first, |seq| {
            found.push(seq);
            Ok(found.len() < limit)
        })
        .unwrap();
        found
    }

    #[test]
    fn ways_meet_where_every_condition_holds_in_either_order() {
        for (agents, tools) in [(vec![3], vec![2]), (vec![0, 4], vec![1, 5, 6]), (vec![1], vec![9])] {
            let ways = [way("by_agent", "agent", &agents), way("by_tool", "tool", &tools)];
            let expected: Vec<i64> = (100..2_500)
                .filter(|seq| agents.contains(&(seq % 5)) && seq % 11 != 0 && tools.contains(&(seq % 7)))
                .collect();
            assert_eq!(met(&ways, (100, 2_500), false, usize::MAX), expected);
            let newest: Vec<i64> = expected.iter().rev().copied().take(4).collect();
            assert_eq!(met(&ways, (100, 2_500), true, 4), newest);
        }
    }

    #[test]
    fn one_way_is_gone_alone_and_one_of_too_many_values_not_at_all() {
        let one = [way("by_agent", "agent", &[2, 3])];
        assert_eq!(met(&one, (0, 14), true, usize::MAX), [13, 12, 8, 7, 3, 2]);
        let many: Vec<i64> = (0..=64).collect();
        let wide = way("by_tool", "tool", &many);
        assert!(!can_meet(std::slice::from_ref(&wide)));
        let both = [way("by_agent", "agent", &[2]), wide];
        assert!(can_meet(&both));
        // The caller looks at what the wide way would have left out.
        assert_eq!(met(&both, (0, 23), false, usize::MAX), [2, 7, 12, 17, 22]);
    }

    #[test]
    fn a_way_with_few_records_is_the_short_one() {
        let connection = records();
        connection.execute("UPDATE records SET tool = 8 WHERE seq < 9", []).unwrap();
        let ways = [way("by_agent", "agent", &[0]), way("by_tool", "tool", &[8])];
        assert_eq!(short(&connection, &ways).unwrap().unwrap().column, "tool");
        assert!(short(&connection, &ways[..1]).unwrap().is_none());
    }

    #[test]
    fn every_way_gives_what_the_filter_lets_through() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp(1_795_000_000_000);
        let options = Options::new(folder.path(), "payments", "host-1");
        let (ledger, _) = Ledger::open(options, now, &mut |_| {}).unwrap();
        for number in 1..=300_u64 {
            if number % 40 == 1 {
                ledger.append_and_wait(policy(), now, Duration::from_secs(10)).unwrap();
            }
            let agent = format!("agent-{}", number % 3);
            let mut draft = decision(&agent, number);
            draft.tool = Some(format!("box-{}/tool", number % 5).into());
            draft.session = (number < 10).then(|| "early".into());
            draft.effect = Some(if number % 7 == 0 { Effect::Deny } else { Effect::Permit });
            ledger.append_and_wait(draft, now.plus_ms(number * 10), Duration::from_secs(10)).unwrap();
        }
        let limit = Instant::now() + Duration::from_secs(20);
        while ledger.status().index_lag != Some(0) {
            assert!(Instant::now() < limit, "the index does not come up");
            std::thread::sleep(Duration::from_millis(5));
        }
        ledger.close();
        let reader = Reader::open(folder.path()).unwrap();
        let all: Vec<Record> = reader.records().unwrap().map(|record| record.unwrap().1).collect();
        let choices =
            |index: usize| (index % 2 < 1, index / 2 % 2 < 1, index / 4 % 3, index / 12 % 3, index / 36);
        for (agent, newest_first, tool, effect, rest) in (0..180).map(choices) {
            let filter = Filter {
                agent: agent.then(|| "agent-1".into()),
                tool: [None, Some("box-2/tool".into()), Some("*/tool".into())][tool].clone(),
                effect: [None, Some(Effect::Deny), Some(Effect::Permit)][effect],
                session: (rest == 1).then(|| "early".into()),
                since: (rest == 2).then(|| now.plus_ms(700)),
                until: (rest == 3).then(|| now.plus_ms(2_000)),
                kind: (rest == 4).then_some(Kind::Policy),
                newest_first,
                ..Filter::default()
            };
            let mut expected: Vec<&Record> = all.iter().filter(|record| filter.matches(record)).collect();
            if newest_first {
                expected.reverse();
            }
            let index = Index::open_to_read(folder.path()).unwrap();
            assert_eq!(index.propose(&filter, 0).unwrap().len(), expected.len(), "{filter:?}");
            if rest > 1 {
                continue;
            }
            let few = Filter { limit: Some(5), ..filter };
            expected.truncate(5);
            assert_eq!(reader.query(&few).unwrap().iter().collect::<Vec<_>>(), expected, "{few:?}");
        }
    }
}
