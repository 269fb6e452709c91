//! Writes what has changed, how far it was read and what was decided, in one transaction of Kafka.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{Consumer as _, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};
use tracing::{debug, info, warn};

use crate::engine::Changes;
use crate::event::PartitionId;
use crate::kafka::{ClientError, Context, PATIENCE};

use super::reading::consumer;
use super::records::{self, HEAD, POSITION};
use super::{Holding, Holdings, Membership, Settings};

/// A transaction that was begun and of which nothing more is heard is given up by the cluster after so long at first.
/// Whoever gets the partitions of an instance that was killed waits for that.
const TRANSACTION: Duration = Duration::from_secs(15);
/// When that is not enough, it may take twice as long the next time, up to this. Brokers allow 15 minutes if they are not
/// told otherwise.
const LONGEST: Duration = Duration::from_secs(240);
/// So long is waited when too many messages wait to be sent, and before what failed because the group is being divided
/// is tried again.
const ROOM: Duration = Duration::from_millis(100);
/// So long the group may be divided anew before it is trouble that nothing can be stored.
const DIVIDING: Duration = Duration::from_secs(5);

/// What is stored of one partition.
#[derive(Debug)]
pub struct Share<'a> {
    /// The partition.
    pub holding: &'a Holding,
    /// What has changed of its state.
    pub changes: &'a Changes,
    /// The offset of the event that comes next.
    pub next: u64,
    /// What goes out with it.
    pub messages: Vec<Message>,
}

/// A message that takes part in the transaction.
#[derive(Clone, Debug)]
pub struct Message {
    /// The topic.
    pub topic: Arc<str>,
    /// Its key, if it has one.
    pub key: Option<String>,
    /// Its headers.
    pub headers: OwnedHeaders,
    /// Its value.
    pub body: String,
}

/// Nothing could be stored; it is to be tried again.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// There is no client for it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The cluster does not answer, or refuses.
    #[error("the transaction in Kafka failed: {0}")]
    Kafka(#[from] KafkaError),
    /// A topic for alerts is not there.
    #[error("there is no topic `{0}` for alerts; make it, and the service goes on")]
    NoTopic(Arc<str>),
    /// A record is larger than the topic takes.
    #[error(
        "the topic `{topic}` does not take a record of {size} bytes; set its `max.message.bytes` higher, and the service goes on"
    )]
    TooLarge {
        /// The topic.
        topic: String,
        /// What the record takes.
        size: usize,
    },
    /// A record was not taken for another reason.
    #[error("the topic `{topic}` has refused a record: {error}")]
    Refused {
        /// The topic.
        topic: String,
        /// Why.
        error: KafkaError,
    },
}

/// Writes states.
pub struct Ledger {
    settings: Settings,
    holdings: Arc<Holdings>,
    context: Context,
    transactional_id: String,
    /// When it was made: an instance that is started again by its name counts from the beginning.
    begun: u128,
    producer: Option<ThreadedProducer<Writing>>,
    /// How long a transaction may take.
    patience: Duration,
    /// What was written last of each partition.
    written: BTreeMap<PartitionId, Written>,
    /// The topics for alerts that are known to be there.
    topics: HashSet<Arc<str>>,
    /// How many transactions were begun.
    count: u64,
    /// A transaction of which it is not known whether it was committed.
    doubt: Option<Doubt>,
}

/// What was written last of a partition.
#[derive(Debug)]
struct Written {
    holding: Holding,
    head: Vec<u8>,
    next: u64,
}

/// A transaction of which it is not known whether it was committed.
#[derive(Debug)]
struct Doubt {
    /// What stands beside the offsets that it commits.
    token: String,
    /// The partitions whose offsets it commits.
    holdings: Vec<Holding>,
}

/// How a transaction has ended.
enum Failure {
    /// It is not committed, and never will be.
    Not(LedgerError),
    /// It may be.
    Perhaps(KafkaError),
}

impl<E: Into<LedgerError>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::Not(error.into())
    }
}

impl Ledger {
    /// Writes what is held here. To be made in asynchronous code.
    pub fn new(settings: Settings, holdings: Arc<Holdings>) -> Ledger {
        let begun = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let instance = settings.instance.clone().unwrap_or_else(|| format!("{}-{begun}", std::process::id()));
        Ledger {
            context: settings.client.context(&settings.topic),
            transactional_id: format!("{}{instance}", settings.token()),
            settings,
            holdings,
            begun,
            producer: None,
            patience: TRANSACTION,
            written: BTreeMap::new(),
            topics: HashSet::new(),
            count: 0,
            doubt: None,
        }
    }

    /// Ends what an instance of the same name has begun and not finished, so that nobody waits for it. When the cluster
    /// does not answer, that happens later.
    pub fn begin(&mut self) {
        if let Err(error) = self.producer() {
            warn!(%error, "no transaction can be begun yet; this is tried again");
        }
    }

    /// Whether a partition is still held here.
    pub fn holds(&self, holding: &Holding) -> bool {
        self.holdings.holds(holding)
    }

    /// Stores what is given of the partitions that are held here; of others nothing. Everything is stored, or nothing.
    /// Returns of which partitions it was.
    ///
    /// # Errors
    /// When it was not stored. It is to be given again, until it is: only then may anything newer be.
    pub fn commit(&mut self, shares: &[Share<'_>]) -> Result<Vec<PartitionId>, LedgerError> {
        let begun = Instant::now();
        loop {
            match self.try_commit(shares) {
                // It happens whenever an instance comes or goes, and is over soon.
                Err(LedgerError::Kafka(error)) if is_dividing(&error) && begun.elapsed() < DIVIDING => {
                    debug!(%error, "the group is being divided anew: a transaction is tried again");
                    sleep(ROOM);
                }
                result => return result,
            }
        }
    }

    fn try_commit(&mut self, shares: &[Share<'_>]) -> Result<Vec<PartitionId>, LedgerError> {
        // Who holds nothing ends no transaction of whoever has the same name now.
        if !shares.iter().any(|share| self.holds(share.holding)) {
            self.doubt = None;
            return Ok(Vec::new());
        }
        // A new producer of the same name ends the transactions of the one before.
        self.producer()?;
        if let Some(doubt) = &self.doubt {
            let was_committed = self.was_committed(doubt)?;
            let Doubt { holdings, .. } = self.doubt.take().expect("there is one");
            if was_committed {
                info!("the transaction of which nothing was heard has been committed");
                self.note(shares);
                return Ok(holdings.iter().map(|holding| holding.partition).collect());
            }
        }
        let Some((membership, held)) = self.held(shares) else { return Ok(Vec::new()) };
        self.find_topics(&held)?;
        self.count += 1;
        let token = format!("{}-{}-{}", self.transactional_id, self.begun, self.count);
        let (begun, patience) = (Instant::now(), self.patience);
        let failure = match self.transact(&held, &membership.metadata, &token) {
            Ok(()) => {
                if begun.elapsed() < TRANSACTION / 2 {
                    self.patience = TRANSACTION;
                }
                self.note(shares);
                return Ok(held.iter().map(|share| share.holding.partition).collect());
            }
            Err(failure) => failure,
        };
        if begun.elapsed() >= self.patience {
            self.patience = LONGEST.min(2 * self.patience);
        }
        let producer = self.producer.take().expect("it was made before");
        let refused = producer.context().take_refused();
        // If that fails too, the next one of the same name ends what this one has begun, whatever it hangs on.
        if matches!(failure, Failure::Not(_)) && self.patience == patience {
            self.producer = producer.abort_transaction(PATIENCE).is_ok().then_some(producer);
        }
        match failure {
            Failure::Not(LedgerError::Kafka(error)) if is_removed(&error) => {
                info!(%error, "the instance has been removed from its group: what it had not stored is worked through by others");
                held.iter().for_each(|share| self.holdings.drop_one(share.holding));
                Ok(Vec::new())
            }
            Failure::Not(error) => Err(refused.unwrap_or(error)),
            Failure::Perhaps(error) => {
                warn!(%error, "it is not known whether a transaction was committed; this is asked now");
                let holdings = held.iter().map(|share| share.holding.clone()).collect();
                self.doubt = Some(Doubt { token, holdings });
                Err(refused.unwrap_or(error.into()))
            }
        }
    }

    /// What is held here of these, and as what; `None`: nothing.
    fn held<'a>(&self, shares: &'a [Share<'a>]) -> Option<(Membership, Vec<&'a Share<'a>>)> {
        // What was held before it was asked as what we are a member, and not as that one, was held as one that is removed.
        let before: Vec<&Share<'_>> = shares.iter().filter(|share| self.holds(share.holding)).collect();
        if before.is_empty() {
            return None;
        }
        let membership = self.holdings.membership();
        let member = membership.as_ref().map(|membership| &membership.member);
        for Share { holding, .. } in before.iter().filter(|share| Some(&share.holding.member) != member) {
            info!(partition = %holding, "the partition is not held any more: the instance was removed from its group");
            self.holdings.drop_one(holding);
        }
        // And who has lost a partition since is refused by the broker.
        let held: Vec<&Share<'_>> = before.into_iter().filter(|share| self.holds(share.holding)).collect();
        membership.filter(|_| !held.is_empty()).map(|membership| (membership, held))
    }

    /// Makes sure that there is a producer.
    fn producer(&mut self) -> Result<(), LedgerError> {
        if self.producer.is_none() {
            let mut config = self.settings.client.client().map_err(ClientError::from)?;
            config
                .set("transactional.id", &self.transactional_id)
                .set("transaction.timeout.ms", self.patience.as_millis().to_string())
                .set("message.max.bytes", super::topic::LARGEST.to_string())
                .set("compression.type", "lz4")
                .set("linger.ms", "5");
            let context = Writing { client: self.context.clone(), refused: Mutex::default() };
            let producer: ThreadedProducer<Writing> =
                config.create_with_context(context).map_err(ClientError::from)?;
            producer.init_transactions(PATIENCE)?;
            self.producer = Some(producer);
        }
        Ok(())
    }

    /// Makes sure that the topics for alerts are there: a message to one that is not is waited for until the transaction
    /// has no time left, and nobody is told why.
    fn find_topics(&mut self, shares: &[&Share<'_>]) -> Result<(), LedgerError> {
        let producer = self.producer.as_ref().expect("it was made before");
        for Message { topic, .. } in shares.iter().flat_map(|share| &share.messages) {
            if self.topics.contains(topic) {
                continue;
            }
            let metadata = producer.client().fetch_metadata(Some(topic), PATIENCE)?;
            if metadata.topics().iter().all(|found| found.partitions().is_empty()) {
                return Err(LedgerError::NoTopic(Arc::clone(topic)));
            }
            self.topics.insert(Arc::clone(topic));
        }
        Ok(())
    }

    fn transact(
        &mut self,
        shares: &[&Share<'_>],
        membership: &ConsumerGroupMetadata,
        token: &str,
    ) -> Result<(), Failure> {
        let producer = self.producer.as_ref().expect("it was made before");
        // Of one that was given up.
        producer.context().take_refused();
        producer.begin_transaction()?;
        let mut offsets = TopicPartitionList::new();
        for share in shares {
            self.write(producer, share)?;
            let Holding { topic, number, .. } = share.holding;
            let mut element = offsets.add_partition(topic, *number);
            element.set_offset(Offset::Offset(i64::try_from(share.next).unwrap_or(i64::MAX)))?;
            element.set_metadata(token);
        }
        // Everything stands in the topics before the group is asked whether we are still a member: who gets a partition
        // after that sees that there is something, and waits until it is known what becomes of it.
        producer.flush(self.patience)?;
        producer.send_offsets_to_transaction(&offsets, membership, self.patience)?;
        // Whatever it says: the broker may have done it, and its answer been lost.
        producer.commit_transaction(self.patience).map_err(Failure::Perhaps)
    }

    /// Writes what is new of a partition.
    fn write(&self, producer: &ThreadedProducer<Writing>, share: &Share<'_>) -> Result<(), LedgerError> {
        let Share { holding, changes, next, messages } = share;
        let topic = &*self.settings.topic;
        let state = |key: &[u8], value: Option<&[u8]>| {
            let record = BaseRecord::<[u8], [u8]>::to(topic).key(key).partition(holding.number);
            send(producer, BaseRecord { payload: value, ..record })
        };
        let (mut key, mut value) = (Vec::new(), Vec::new());
        for row in changes.rows() {
            records::row_key(&row, &mut key);
            let is_there = records::row_value(&row, &mut value);
            state(&key, is_there.then_some(&value))?;
        }
        let written = self.written.get(&holding.partition).filter(|written| written.holding == **holding);
        if written.is_none_or(|written| written.head != changes.head) {
            state(HEAD, Some(&changes.head))?;
        }
        if written.is_none_or(|written| written.next != *next) {
            state(POSITION, Some(&records::position(*next)))?;
        }
        for Message { topic, key, headers, body } in messages {
            let key = key.as_ref().map(String::as_bytes);
            let record =
                BaseRecord::<[u8], [u8]>::to(topic).payload(body.as_bytes()).headers(headers.clone());
            send(producer, BaseRecord { key, ..record })?;
        }
        Ok(())
    }

    /// Notes what is stored.
    fn note(&mut self, shares: &[Share<'_>]) {
        let held: HashSet<PartitionId> = shares.iter().map(|share| share.holding.partition).collect();
        self.written.retain(|partition, _| held.contains(partition));
        for Share { holding, changes, next, .. } in shares {
            let written = Written { holding: (*holding).clone(), head: changes.head.clone(), next: *next };
            self.written.insert(holding.partition, written);
        }
    }

    /// Whether a transaction was committed: then its token stands beside the offsets of those of its partitions that are
    /// still held. Of others it does not matter any more.
    fn was_committed(&self, doubt: &Doubt) -> Result<bool, LedgerError> {
        let Some(held) = doubt.holdings.iter().find(|holding| self.holds(holding)) else { return Ok(false) };
        let mut config = self.settings.client.client().map_err(ClientError::from)?;
        config.set("group.id", &self.settings.group).set("isolation.level", "read_committed");
        let consumer = consumer(&self.context, &config)?;
        let mut asked = TopicPartitionList::new();
        asked.add_partition(&held.topic, held.number);
        let found = consumer.committed_offsets(asked, PATIENCE)?;
        let elements = found.elements();
        let found = elements.first().ok_or(KafkaError::OffsetFetch(RDKafkaErrorCode::UnknownPartition))?;
        found.error()?;
        Ok(found.metadata() == doubt.token)
    }
}

/// Sends a record, as soon as there is room for it.
fn send(producer: &ThreadedProducer<Writing>, record: BaseRecord<'_, [u8], [u8]>) -> Result<(), LedgerError> {
    let mut record = record;
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                record = again;
                sleep(ROOM);
            }
            Err((error, record)) => {
                let size = record.payload.map_or(0, <[u8]>::len) + record.key.map_or(0, <[u8]>::len);
                return Err(refused(error, record.topic, size));
            }
        }
    }
}

/// A topic has not taken a record of this size.
fn refused(error: KafkaError, topic: &str, size: usize) -> LedgerError {
    let topic = topic.to_owned();
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::MessageSizeTooLarge) => LedgerError::TooLarge { topic, size },
        _ => LedgerError::Refused { topic, error },
    }
}

/// Whether the group has a new generation, or the cluster has given up a transaction that was not heard of for too long: by
/// the next time it may be known what is still held here.
fn is_dividing(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{Fenced, IllegalGeneration, RebalanceInProgress};
    matches!(error.rdkafka_error_code(), Some(IllegalGeneration | RebalanceInProgress | Fenced))
}

/// Whether the instance is not a member of its group any more, which gives its partitions to others.
fn is_removed(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{FencedInstanceId, UnknownMemberId};
    matches!(error.rdkafka_error_code(), Some(UnknownMemberId | FencedInstanceId))
}

/// The client of a producer. Of messages that are not taken it remembers the first: the transaction fails with it, and
/// says only that some were not.
struct Writing {
    client: Context,
    refused: Mutex<Option<LedgerError>>,
}

impl Writing {
    fn take_refused(&self) -> Option<LedgerError> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ClientContext for Writing {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = Context::ENABLE_REFRESH_OAUTH_TOKEN;

    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        self.client.log(level, fac, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.client.error(error, reason);
    }

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.client.generate_oauth_token(config)
    }
}

impl ProducerContext for Writing {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        use RDKafkaErrorCode::{PurgeInflight, PurgeQueue};
        let Err((error, message)) = result else { return };
        // These go with the one that was refused.
        if matches!(error.rdkafka_error_code(), Some(PurgeInflight | PurgeQueue)) {
            return;
        }
        let size = message.payload_len() + message.key_len();
        let refused = refused(error.clone(), message.topic(), size);
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(refused);
    }
}
