//! Searching the file.

use agent_core::money::{AssetId, BaseUnits, Network};
use agent_core::trust::GlobalAgentId;
use agent_core::untrusted::Untrusted;
use alloy_primitives::Address;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::error::IndexError;
use super::index::{IndexStore, RegistryStatus, read_id, registries};
use super::limits;
use super::number::{int, read_address, read_uint, read_wallet, uint};

/// What is looked for. All that is set must hold; with nothing set, all described agents match.
///
/// The skill, the tags and the price are asked of one and the same offer of an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Words that must all be in the name, the description, or the skills; the last may be the
    /// beginning of one. Case and accents are forgiven; nothing in it is an operator.
    pub text: String,
    /// The id of a skill.
    pub skill: Option<String>,
    /// Tags that the skill carries.
    pub tags: Vec<String>,
    /// The most a task may cost, in this asset. Free skills, and skills without a price in the
    /// card, are not too dear.
    pub max_price: Option<(AssetId, BaseUnits)>,
    /// Only agents of registries on these chains; any if empty.
    pub chains: Vec<u64>,
    /// Only agents whose card was had at this time (Unix milliseconds) or later.
    pub live_since_ms: Option<u64>,
    /// Agents that say they are out of service, too.
    pub with_inactive: bool,
    /// Answers; at most [`limits::SEARCH_HITS_MAX`], and 50 if zero.
    pub limit: usize,
}

/// One agent that matches. What it says of itself is a stranger's word, and its prices are those
/// of when it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Who it is.
    pub agent: GlobalAgentId,
    /// Its owner.
    pub owner: Address,
    /// Its wallet, if it registered one.
    pub wallet: Option<Address>,
    /// Its name, in its own words.
    pub name: Untrusted,
    /// Its description, in its own words.
    pub description: Untrusted,
    /// Where its card is said to be.
    pub card_url: Untrusted,
    /// What it offers of what was looked for; everything, when no skill was named.
    pub offers: Vec<HitOffer>,
    /// When it was last asked, in Unix milliseconds.
    pub asked_ms: u64,
    /// When its card was last had.
    pub live_ms: Option<u64>,
    /// Why it could not be asked the last time: a stable word.
    pub problem: Option<String>,
    /// Pieces of feedback on it, whatever they are worth.
    pub feedback_given: u64,
    /// Those that were taken back.
    pub feedback_revoked: u64,
}

/// A skill in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HitOffer {
    /// Its id.
    pub skill: Untrusted,
    /// Its name.
    pub name: Untrusted,
    /// The most that one task costs.
    pub price: Option<(AssetId, BaseUnits)>,
}

/// What a search found, and how old that is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// Best first: by how well the words fit, otherwise cheapest first.
    pub hits: Vec<Hit>,
    /// True if more agents matched the first condition than are looked at, and the answer is not
    /// full all the same: a narrower search may find others.
    pub cut: bool,
    /// The registries that were searched, and how far each was read.
    pub registries: Vec<RegistryStatus>,
}

impl Hits {
    /// Milliseconds since the registry that was read longest ago was read to its head; `None` if
    /// one never was, or there is none.
    #[must_use]
    pub fn staleness_ms(&self, now_unix_millis: u64) -> Option<u64> {
        let ages = self
            .registries
            .iter()
            .map(|registry| registry.staleness_ms(now_unix_millis));
        ages.collect::<Option<Vec<_>>>()?.into_iter().max()
    }
}

impl IndexStore {
    /// Searches. Asks nobody but the file.
    ///
    /// # Errors
    /// [`IndexError::Query`] for a search that makes no sense, [`IndexError::Store`].
    pub async fn search(&self, search: &Search) -> Result<Hits, IndexError> {
        let plan = Plan::of(search)?;
        let chains = search.chains.clone();
        self.read(move |conn| {
            let mut hits = plan.run(conn)?;
            hits.registries = registries(conn)?;
            hits.registries.retain(|status| {
                chains.is_empty() || chains.contains(&status.registry.network().chain_id)
            });
            Ok(hits)
        })
        .await
    }
}

/// A search as SQL. What strangers and callers say goes in as values only.
struct Plan {
    sql: String,
    values: Vec<Value>,
    counted: Counted,
    skill: Option<String>,
    limit: usize,
}

/// How many agents meet the first condition; the first so many values are its.
struct Counted {
    sql: String,
    values: usize,
}

impl Plan {
    fn of(search: &Search) -> Result<Self, IndexError> {
        if search.tags.len() > limits::SEARCH_FILTERS_MAX
            || search.chains.len() > limits::SEARCH_FILTERS_MAX
        {
            return Err(IndexError::Query("it names more than 16 tags or chains"));
        }
        let mut values = Vec::new();
        let words = words(&search.text)?;
        let mut offer = Vec::new();
        if let Some(skill) = &search.skill {
            offer.push(format!(
                "o.skill = {}",
                bind(&mut values, Value::Text(skill.clone()))
            ));
        }
        for tag in &search.tags {
            offer.push(format!(
                "EXISTS (SELECT 1 FROM offer_tag t
                         WHERE t.tag = {} AND t.agent = o.agent AND t.skill = o.skill)",
                bind(&mut values, Value::Text(tag.clone()))
            ));
        }
        if let Some((asset, max)) = &search.max_price {
            offer.push(format!(
                "(o.price IS NULL OR (o.price <= {} AND o.asset_chain = {} AND o.asset = {}))",
                bind(&mut values, Value::Blob(max.get().to_be_bytes().to_vec())),
                bind(&mut values, Value::Integer(int(asset.network.chain_id))),
                bind(&mut values, Value::Blob(asset.address.to_vec()))
            ));
        }
        let matching = words.map(|words| bind(&mut values, Value::Text(words)));
        let max = limits::SEARCH_CANDIDATES_MAX;
        let candidates = match (&search.skill, &matching, search.tags.first()) {
            (Some(_), words, _) => {
                let fits = words.as_ref().map_or(String::new(), |words| {
                    format!(" AND o.agent IN (SELECT rowid FROM words WHERE words MATCH {words})")
                });
                let offer = offer.join(" AND ");
                format!(
                    "SELECT o.agent AS id, o.price AS rank FROM offer o WHERE {offer}{fits}
                     ORDER BY o.price LIMIT {max}"
                )
            }
            (None, Some(words), _) => format!(
                "SELECT rowid AS id, rank FROM words WHERE words MATCH {words}
                 ORDER BY rank LIMIT {max}"
            ),
            (None, None, Some(tag)) => format!(
                "SELECT DISTINCT agent AS id, 0 AS rank FROM offer_tag WHERE tag = {} LIMIT {max}",
                bind(&mut values, Value::Text(tag.clone()))
            ),
            (None, None, None) if offer.is_empty() => format!(
                "SELECT agent AS id, 0 AS rank FROM described ORDER BY agent DESC LIMIT {max}"
            ),
            (None, None, None) => format!(
                "SELECT o.agent AS id, min(o.price) AS rank FROM offer o WHERE {}
                 GROUP BY o.agent LIMIT {max}",
                offer.join(" AND ")
            ),
        };
        let counted = Counted {
            sql: format!("SELECT count(*) FROM ({candidates})"),
            values: values.len(),
        };
        let mut such = vec!["a.owner <> zeroblob(20)".to_owned()];
        if !search.with_inactive {
            such.push("d.active".to_owned());
        }
        if !offer.is_empty() {
            such.push(format!(
                "EXISTS (SELECT 1 FROM offer o WHERE o.agent = a.id AND {})",
                offer.join(" AND ")
            ));
        }
        if let Some(since) = search.live_since_ms {
            such.push(format!(
                "d.live_ms >= {}",
                bind(&mut values, Value::Integer(int(since)))
            ));
        }
        if !search.chains.is_empty() {
            let chains: Vec<String> = search
                .chains
                .iter()
                .map(|chain| bind(&mut values, Value::Integer(int(*chain))))
                .collect();
            such.push(format!("r.chain_id IN ({})", chains.join(", ")));
        }
        let limit = match search.limit {
            0 => 50,
            limit => limit.min(limits::SEARCH_HITS_MAX),
        };
        let such = such.join(" AND ");
        let sql = format!(
            "WITH c AS MATERIALIZED ({candidates})
             SELECT r.chain_id, r.identity, a.agent_id, a.id, a.owner, a.wallet, d.name,
                    d.description, d.card_url, d.asked_ms, d.live_ms, d.problem, a.items,
                    a.revoked
             FROM c CROSS JOIN agent a ON a.id = c.id
             JOIN described d ON d.agent = a.id JOIN registry r ON r.id = a.registry
             WHERE {such} ORDER BY c.rank, a.items DESC, a.id LIMIT {limit}"
        );
        Ok(Self {
            sql,
            values,
            counted,
            skill: search.skill.clone(),
            limit,
        })
    }

    fn run(&self, conn: &Connection) -> rusqlite::Result<Hits> {
        let mut found = Hits::default();
        let mut query = conn.prepare_cached(&self.sql)?;
        let mut rows = query.query(params_from_iter(&self.values))?;
        while let Some(row) = rows.next()? {
            let mut hit = hit(row)?;
            hit.offers = self.offers(conn, row.get(3)?)?;
            found.hits.push(hit);
        }
        // A full answer says by itself that there may be more.
        if found.hits.len() < self.limit {
            let values = self.values.iter().take(self.counted.values);
            let candidates: i64 = conn
                .prepare_cached(&self.counted.sql)?
                .query_row(params_from_iter(values), |row| row.get(0))?;
            let max = i64::try_from(limits::SEARCH_CANDIDATES_MAX).unwrap_or(i64::MAX);
            found.cut = candidates >= max;
        }
        Ok(found)
    }

    fn offers(&self, conn: &Connection, agent: i64) -> rusqlite::Result<Vec<HitOffer>> {
        conn.prepare_cached(
            "SELECT skill, name, price, asset_chain, asset FROM offer
             WHERE agent = ?1 AND (?2 IS NULL OR skill = ?2) ORDER BY skill",
        )?
        .query_map(params![agent, self.skill], |row| {
            let price: Option<[u8; 16]> = row.get(2)?;
            let price = match price {
                None => None,
                Some(amount) => Some((
                    AssetId {
                        network: Network::eip155(read_uint(row, 3)?),
                        address: read_address(row, 4)?,
                    },
                    BaseUnits::new(u128::from_be_bytes(amount)),
                )),
            };
            Ok(HitOffer {
                skill: Untrusted::new(row.get(0)?),
                name: Untrusted::new(row.get(1)?),
                price,
            })
        })?
        .collect()
    }
}

fn hit(row: &Row<'_>) -> rusqlite::Result<Hit> {
    let live: Option<i64> = row.get(10)?;
    Ok(Hit {
        agent: read_id(row)?,
        owner: read_address(row, 4)?,
        wallet: read_wallet(row, 5)?,
        name: Untrusted::new(row.get(6)?),
        description: Untrusted::new(row.get(7)?),
        card_url: Untrusted::new(row.get(8)?),
        offers: Vec::new(),
        asked_ms: read_uint(row, 9)?,
        live_ms: live.map(uint),
        problem: row.get(11)?,
        feedback_given: read_uint(row, 12)?,
        feedback_revoked: read_uint(row, 13)?,
    })
}

fn bind(values: &mut Vec<Value>, value: Value) -> String {
    values.push(value);
    format!("?{}", values.len())
}

/// Words as FTS5 takes them: each in quotes, so that nothing in them is an operator.
fn words(text: &str) -> Result<Option<String>, IndexError> {
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    if words.len() > limits::SEARCH_WORDS_MAX {
        return Err(IndexError::Query("it has more than 8 words"));
    }
    if words
        .iter()
        .any(|word| word.len() > limits::SEARCH_WORD_BYTES_MAX)
    {
        return Err(IndexError::Query("a word of it is longer than 64 bytes"));
    }
    if words.is_empty() {
        return if text.trim().is_empty() {
            Ok(None)
        } else {
            Err(IndexError::Query("its text has no word in it"))
        };
    }
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    Ok(Some(format!("{}*", quoted.join(" "))))
}
