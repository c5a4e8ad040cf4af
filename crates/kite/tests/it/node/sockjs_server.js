// Repeats what it hears, by every transport of SockJS, below /kite.
const http = require('http')
const echo = require('sockjs').createServer({ prefix: '/kite', log: () => {} })
echo.on('connection', (connection) => connection.on('data', (message) => connection.write(message)))
const server = http.createServer()
echo.installHandlers(server)
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
