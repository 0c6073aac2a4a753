// What the Date & Time node computes: a list of operations in, a list of {value} or {error} out.
globalThis.dates = (function () {
  'use strict';
  const { DateTime } = luxon;
  const asked = (value, zone, format, own = false) => {
    if (value === undefined || value === null || value === '') throw new Error('No date given');
    let date;
    if (format) date = DateTime.fromFormat(String(value), format, { zone });
    else if (typeof value === 'number' || /^-?\d+$/.test(value)) {
      const number = Number(value);
      date = DateTime.fromMillis(String(Math.abs(number)).length <= 10 ? number * 1000 : number, { zone });
    } else {
      date = [DateTime.fromISO, DateTime.fromRFC2822, DateTime.fromHTTP, DateTime.fromSQL]
        .map((read) => read.call(DateTime, String(value).trim(), { zone, setZone: own })).find((found) => found.isValid)
        ?? DateTime.fromJSDate(new Date(value), { zone });
    }
    if (!date.isValid) throw new Error('Invalid date format');
    return date;
  };
  const shift = (each, sign) => {
    const duration = Number(each.duration ?? 0);
    if (Number.isNaN(duration)) throw new Error(`'duration' is no number: '${each.duration}'`);
    return asked(each.magnitude, each.zone).plus({ [each.timeUnit ?? 'days']: sign * duration }).toString();
  };
  const PARTS = { week: 'weekNumber', dayOfWeek: 'weekday' };
  const FORMATS = { 'MM/DD/YYYY': 'MM/dd/yyyy', 'YYYY/MM/DD': 'yyyy/MM/dd', 'MMMM DD YYYY': 'MMMM dd yyyy', 'MM-DD-YYYY': 'MM-dd-yyyy', 'YYYY-MM-DD': 'yyyy-MM-dd' };
  const formatted = (each) => {
    const options = each.options ?? {};
    if (each.date === undefined || each.date === null) return null;
    const date = asked(each.date, each.zone, options.fromFormat, options.timezone !== true);
    const format = each.format ?? 'MM/dd/yyyy';
    if (format === 'custom') return date.toFormat(each.customFormat ?? '');
    if (format === 'X') return String(Math.floor(date.toSeconds()));
    if (format === 'x') return String(date.toMillis());
    return date.toFormat(FORMATS[format] ?? format);
  };
  const between = (each) => {
    const units = typeof each.units === 'string' ? each.units.split(',').map((unit) => unit.trim()) : each.units ?? ['day'];
    const plural = units.map((unit) => (unit.endsWith('s') ? unit : `${unit}s`));
    const found = asked(each.endDate, each.zone).diff(asked(each.startDate, each.zone), plural);
    return each.options?.isoString ? found.toISO() : found.toObject();
  };
  const rounded = (each) => {
    const date = asked(each.date, each.zone);
    if ((each.mode ?? 'roundDown') === 'roundDown') return date.startOf(each.toNearest ?? 'month').toString();
    return date.startOf(each.to ?? 'month').plus({ [`${each.to ?? 'month'}s`]: 1 }).toString();
  };
  // Version 1 writes formats in the letters of moment.
  const MOMENT = [[/\[([^\]]*)\]/g, "'$1'"], [/YYYY/g, 'yyyy'], [/YY/g, 'yy'], [/DD/g, 'dd'], [/D/g, 'd'], [/dddd/g, 'cccc'], [/A/g, 'a'], [/ZZ/g, 'ZZZ'], [/Z(?!Z)/g, 'ZZ']];
  const fromMoment = (format) => MOMENT.reduce((text, [from, to]) => text.replace(from, to), format);
  const first = (each) => {
    const options = each.options ?? {};
    if ((each.action ?? 'format') === 'calculate') {
      const sign = each.sign === 'subtract' ? -1 : 1;
      const date = asked(each.value, each.zone, options.fromFormat && fromMoment(options.fromFormat));
      return date.toUTC().plus({ [each.timeUnit ?? 'days']: sign * Number(each.duration ?? 0) }).toISO();
    }
    const from = options.fromTimezone || each.zone;
    const date = asked(each.value, from, options.fromFormat && fromMoment(options.fromFormat)).setZone(options.toTimezone || each.zone);
    const format = each.custom ? each.toFormat : each.toFormat ?? 'MM/DD/YYYY';
    if (format === 'X') return String(Math.floor(date.toSeconds()));
    if (format === 'x') return String(date.toMillis());
    return date.toFormat(fromMoment(format));
  };
  const operations = {
    addToDate: (each) => shift(each, 1), subtractFromDate: (each) => shift(each, -1),
    extractDate: (each) => asked(each.date, each.zone).get(PARTS[each.part] ?? each.part ?? 'month'),
    formatDate: formatted, getTimeBetweenDates: between, roundDate: rounded, first,
    getCurrentDate: (each) => {
      const now = DateTime.fromMillis(each.nowMs, { zone: each.zone });
      return (each.includeTime === false ? now.startOf('day') : now).toString();
    },
  };
  return (list) => list.map((each) => {
    try {
      const run = operations[each.operation];
      if (!run) throw new Error(`The operation '${each.operation}' is not known`);
      return { value: run(each) };
    } catch (error) {
      return { error: error.message };
    }
  });
})();
