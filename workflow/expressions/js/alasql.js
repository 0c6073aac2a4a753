// n8n's Merge node takes its SQL in AlaSQL's dialect; each call has a database of its own. 4.4.0, as recorded: later versions find
// unqualified columns in other tables than n8n does.
globalThis.sql = function ({ tables, query }) {
  const database = new alasql.Database();
  for (const [name, rows] of Object.entries(tables)) {
    database.exec(`CREATE TABLE ${name}`);
    database.tables[name].data = rows;
  }
  return database.exec(query);
};
