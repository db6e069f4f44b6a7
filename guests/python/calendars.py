# Dates and clocks: datetime, calendar, time. The output does not depend on time or place.
import calendar
import time
from datetime import date, datetime, timedelta, timezone

moment = datetime(2024, 2, 28, 23, 59, 59, 999999, tzinfo=timezone.utc)
print(moment.isoformat(), (moment + timedelta(days=1, microseconds=1)).isoformat(), moment.timestamp())
print(moment.astimezone(timezone(timedelta(hours=5, minutes=45))).strftime("%A %d %B %Y %H:%M:%S %z %j %U"))
print(datetime.strptime("29/02/2024 07:05 PM", "%d/%m/%Y %I:%M %p"), date.fromisoformat("2024-12-30").isocalendar())
print(date(2024, 3, 1) - date(2023, 3, 1), timedelta(hours=-1), divmod(timedelta(days=1), timedelta(hours=7)))
print(datetime.fromtimestamp(0, timezone.utc), datetime.max, date.today() > date(2020, 1, 1))
print(calendar.month(2024, 2))
print(calendar.monthrange(2023, 2), calendar.isleap(1900), [d.day for d in calendar.Calendar().itermonthdates(2024, 9)][:8])
for bad in [(2023, 2, 29), (0, 1, 1)]:
    try:
        date(*bad)
    except ValueError as error:
        print(error)
print(time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(86_400 * 365)), calendar.timegm((2024, 1, 1, 0, 0, 0)))
before = time.monotonic()
time.sleep(0.02)
slept = time.monotonic() - before
print(0.02 <= slept < 10, time.time() > 1_577_836_800, time.perf_counter_ns() <= time.perf_counter_ns())
