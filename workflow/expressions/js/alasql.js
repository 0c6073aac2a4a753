// n8n's Merge node takes its SQL in AlaSQL's dialect; each call has a database of its own.
globalThis.sql = function ({ tables, query }) {
  'use strict';
  const database = new alasql.Database();
  for (const [name, rows] of Object.entries(tables)) {
    database.exec(`CREATE TABLE ${name}`);
    database.tables[name].data = rows;
  }
  return database.exec(query);
};
