// Repeats what it hears, at any path.
const WebSocket = require('ws')
const server = new WebSocket.Server({ host: '127.0.0.1', port: 0 }, () => console.log(server._server.address().port))
server.on('connection', (socket) => socket.on('message', (message) => socket.send(message.toString())))
