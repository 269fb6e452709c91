//! How much may pass in a time: a token bucket. Pure: time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// So many things in such a time, on average; as many may pass at once after a quiet time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many, at least one.
    pub count: u32,
    /// The time, longer than nothing.
    pub per: Duration,
}

/// What may still pass at a rate.
///
/// Rather than tokens, it keeps the time at which the bucket will be full: each thing moves that on by the time in
/// which a token comes (the "virtual scheduling" form of the generic cell rate algorithm, ITU-T I.371, appendix A).
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    rate: Rate,
    full: Instant,
}

/// The most of a rate.
const MOST: u32 = 1_000_000;

impl Rate {
    /// Reads a number, `/`, and a time; of one second, minute, hour or day the unit is enough: `10/s`,
    /// `30/m`, `5/10s`.
    pub fn parse(text: &str) -> Option<Rate> {
        let (count, per) = text.split_once('/')?;
        let count = count.trim().parse().ok().filter(|count| (1..=MOST).contains(count))?;
        let per = per.trim();
        let per = crate::event::Duration::parse(per)
            .or_else(|| crate::event::Duration::parse(&format!("1{per}")))?;
        let per = u64::try_from(per.as_micros()).ok().filter(|micros| *micros > 0)?;
        Some(Rate { count, per: Duration::from_micros(per) })
    }

    /// The time in which a token comes.
    fn token(&self) -> Duration {
        (self.per / self.count).max(Duration::from_nanos(1))
    }
}

impl Bucket {
    /// One that is full.
    pub fn new(rate: Rate, now: Instant) -> Bucket {
        Bucket { rate, full: now }
    }

    /// Whether it is as it was when it was new.
    pub fn is_full(&self, now: Instant) -> bool {
        self.full <= now
    }

    /// How many may pass now.
    pub fn available(&self, now: Instant) -> usize {
        let missing = self.full.saturating_duration_since(now);
        let room = self.rate.per.saturating_sub(missing);
        usize::try_from(room.as_nanos() / self.rate.token().as_nanos()).unwrap_or(usize::MAX)
    }

    /// When the next one may pass.
    pub fn next(&self, now: Instant) -> Instant {
        let missing = self.full.saturating_duration_since(now) + self.rate.token();
        now + missing.saturating_sub(self.rate.per)
    }

    /// So many pass.
    pub fn take(&mut self, now: Instant, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.full = self.full.max(now) + self.rate.token().saturating_mul(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_time() {
        let rate = |count, seconds| Some(Rate { count, per: Duration::from_secs(seconds) });
        let right = [
            ("10/s", rate(10, 1)),
            ("30/m", rate(30, 60)),
            ("5 / 10s", rate(5, 10)),
            ("1/1h", rate(1, 3600)),
        ];
        for (text, expected) in right {
            assert_eq!(Rate::parse(text), expected, "{text}");
        }
        for text in ["", "10", "/s", "0/s", "-1/s", "10/0s", "10/x", "1.5/s", "1000001/s", "1/s/s"] {
            assert_eq!(Rate::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_burst_is_sent_at_once_and_then_one_as_each_token_comes() {
        let (begin, second) = (Instant::now(), Duration::from_secs(1));
        let mut bucket = Bucket::new(Rate { count: 4, per: 2 * second }, begin);
        assert_eq!((bucket.available(begin), bucket.next(begin)), (4, begin));
        bucket.take(begin, 3);
        assert_eq!((bucket.available(begin), bucket.next(begin)), (1, begin));
        bucket.take(begin, 1);
        assert_eq!((bucket.available(begin), bucket.next(begin)), (0, begin + second / 2));
        assert_eq!(bucket.available(begin + second / 2), 1);
        bucket.take(begin + second / 2, 1);
        assert_eq!(bucket.available(begin + second / 2), 0);
        assert_eq!(bucket.available(begin + 99 * second), 4, "no more than a burst comes together");
    }

    #[test]
    fn over_a_long_time_no_more_than_the_rate_is_sent() {
        let begin = Instant::now();
        let rate = Rate { count: 7, per: Duration::from_secs(60) };
        let (mut bucket, mut now, mut sent) = (Bucket::new(rate, begin), begin, 0);
        while now < begin + Duration::from_secs(6_000) {
            let available = bucket.available(now).min(3);
            bucket.take(now, available);
            sent += available;
            now = bucket.next(now).max(now + Duration::from_millis(137));
        }
        assert!((700..=707).contains(&sent), "{sent}");
    }
}
