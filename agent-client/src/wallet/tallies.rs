//! Counts over the payments for the rules that need them: a day of one skill, all since a moment.
//!
//! Read from the rows, so whatever stores a payment is counted, and each row once: the counts go on
//! from the last row they saw. What was signed counts, whatever was charged in the end: the maxima or
//! the sum by which ceilings rose, if it is more because some were signed ahead.

use std::collections::{BTreeMap, VecDeque};

use agent_core::policy::{SpendPolicy, SpendRules, Tally};
use rusqlite::Connection;

use super::{
    schema::{broken, get_int, get_units, int},
    sums::Sums,
    windows::Weight,
};

const DAY_MS: u64 = 86_400_000;

#[derive(Debug, Default)]
pub(super) struct Tallies {
    /// The last row that was counted.
    seq: i64,
    skills: BTreeMap<String, VecDeque<(u64, Weight)>>,
    since: Vec<(u64, Tally, Weight)>,
}

impl Tallies {
    /// Adds to `sums` what the policy's rules ask for.
    pub(super) fn fill(
        &mut self,
        conn: &Connection,
        policy: &SpendPolicy,
        skill: &str,
        now_ms: u64,
        sums: &mut Sums,
    ) -> rusqlite::Result<()> {
        sums.now_unix_secs = now_ms / 1_000;
        let rules = &policy.rules;
        if rules.skills.is_empty() && rules.since().next().is_none() {
            return Ok(());
        }
        self.catch_up(conn, rules, now_ms)?;
        if let Some(day) = self.skills.get(skill) {
            let mut weights = day.iter().map(|(_, weight)| *weight);
            let sum = weights.try_fold(Weight::default(), Weight::plus);
            sums.skill_last_day = Some(sum.map_err(broken)?);
        }
        let tallies = self.since.iter().map(|(_, tally, sum)| (*tally, *sum));
        sums.since = tallies.collect();
        Ok(())
    }

    fn catch_up(
        &mut self,
        conn: &Connection,
        rules: &SpendRules,
        now_ms: u64,
    ) -> rusqlite::Result<()> {
        if !self.are_for(rules) {
            *self = Self {
                seq: 0,
                skills: rules
                    .skills
                    .keys()
                    .map(|skill| (skill.clone(), VecDeque::new()))
                    .collect(),
                since: rules
                    .since()
                    .map(|at| (at, Tally::default(), Weight::default()))
                    .collect(),
            };
        }
        let day = now_ms.saturating_sub(DAY_MS);
        let from = self.since.iter().map(|(at, ..)| at.saturating_mul(1_000));
        let from = from.fold(day, u64::min);
        let mut rows = conn.prepare_cached(
            "SELECT seq, skill, max, raised, created_ms FROM payment
             WHERE seq > ?1 AND created_ms >= ?2 ORDER BY seq",
        )?;
        let mut rows = rows.query([self.seq, int(from)])?;
        while let Some(row) = rows.next()? {
            let (skill, at_ms) = (row.get_ref("skill")?.as_str()?, get_int(row, "created_ms")?);
            let weight = Weight {
                counted: get_units(row, "max")?,
                raised: get_units(row, "raised")?,
            };
            if let Some(day) = self.skills.get_mut(skill) {
                day.push_back((at_ms, weight));
            }
            for (since, tally, sum) in &mut self.since {
                if at_ms >= since.saturating_mul(1_000) {
                    *sum = sum.plus(weight).map_err(broken)?;
                    tally.payments = tally.payments.saturating_add(1);
                    tally.last_unix_secs = tally.last_unix_secs.max(Some(at_ms / 1_000));
                }
            }
            self.seq = row.get("seq")?;
        }
        for skill in self.skills.values_mut() {
            while skill.front().is_some_and(|(at_ms, _)| *at_ms < day) {
                skill.pop_front();
            }
        }
        Ok(())
    }

    fn are_for(&self, rules: &SpendRules) -> bool {
        let since = self.since.iter().map(|(at, ..)| *at);
        self.skills.keys().eq(rules.skills.keys()) && since.eq(rules.since())
    }
}
