# GitLab's OAuth 2 and OpenID Connect server as far as it is one: Doorkeeper and its OpenID engine, which GitLab is
# made of, with GitLab's own settings, and as much of GitLab's REST API as a client needs to learn who it speaks for.
#
# Reads `settings.json` beside it. Passwords are stored as they are: everybody here is invented by a test.

require "json"
require "openssl"
require "securerandom"
require "rails"
require "active_record"
require "active_record/connection_adapters/sqlite3_adapter"
require "action_controller/railtie"
require "action_view/railtie"
require "doorkeeper"
require "doorkeeper/openid_connect"

SETTINGS = JSON.parse(File.read(File.join(__dir__, "settings.json"))).freeze
URL = SETTINGS.fetch("url")
SIGNING_KEY = OpenSSL::PKey::RSA.new(2048).to_pem

# Waiting for the database must not hold Ruby's global lock: who writes needs it to get on.
# A transaction that will write waits for its turn from its beginning, as a row lock makes it wait on PostgreSQL.
ActiveRecord::ConnectionAdapters::SQLite3Adapter.prepend(Module.new do
  def begin_db_transaction
    log("begin immediate transaction", "TRANSACTION") { @connection.transaction(:immediate) }
  end

  private

  def configure_connection
    super
    @connection.busy_handler do |tries|
      sleep 0.002
      tries < 20_000
    end
  end
end)
ActiveRecord::Base.establish_connection(
  adapter: "sqlite3", database: File.join(__dir__, "gitlab.sqlite3"), pool: 32
)

ActiveRecord::Schema.verbose = false
ActiveRecord::Schema.define do
  create_table :users do |t|
    t.string :username, null: false
    t.string :name, null: false
    t.string :email, null: false
    t.string :password, null: false
    t.string :state, null: false, default: "active"
    t.boolean :is_admin, null: false, default: false
    t.datetime :signed_in_at
    t.timestamps
  end
  create_table :keys do |t|
    t.integer :user_id, null: false
    t.string :title, null: false
    t.text :key, null: false
    t.string :usage_type, null: false
    t.datetime :created_at, null: false
    t.datetime :expires_at
  end
  create_table :projects do |t|
    t.string :path_with_namespace, null: false
    t.string :visibility, null: false
    t.string :default_branch, null: false
    t.datetime :created_at, null: false
  end
  create_table :oauth_applications do |t|
    t.string :name, null: false
    t.string :uid, null: false, index: { unique: true }
    t.string :secret, null: false
    t.text :redirect_uri, null: false
    t.string :scopes, null: false, default: ""
    t.boolean :confidential, null: false, default: true
    t.boolean :trusted, null: false, default: false
    t.timestamps
  end
  create_table :oauth_access_grants do |t|
    t.integer :resource_owner_id, null: false
    t.integer :application_id, null: false
    t.string :token, null: false, index: { unique: true }
    t.integer :expires_in, null: false
    t.text :redirect_uri, null: false
    t.datetime :created_at, null: false
    t.datetime :revoked_at
    t.string :scopes, null: false, default: ""
    t.string :code_challenge
    t.string :code_challenge_method
  end
  # No `previous_refresh_token`: a refresh ends the old pair at once.
  create_table :oauth_access_tokens do |t|
    t.integer :resource_owner_id
    t.integer :application_id
    t.string :token, null: false, index: { unique: true }
    t.string :refresh_token, index: { unique: true }
    t.integer :expires_in
    t.datetime :revoked_at
    t.datetime :created_at, null: false
    t.string :scopes
  end
  create_table :oauth_openid_requests do |t|
    t.integer :access_grant_id, null: false
    t.string :nonce, null: false
  end
end

class User < ActiveRecord::Base
  def blocked?
    state == "blocked"
  end
end

class Key < ActiveRecord::Base
  belongs_to :user

  # What identifies it: type and key, without the comment.
  def self.body(text)
    text.to_s.split.first(2).join(" ")
  end
end

class Project < ActiveRecord::Base
end

# Tokens as GitLab keeps them: hashed, so that none can be handed out twice.
class Sha512Hash < Doorkeeper::SecretStoring::Base
  def self.transform_secret(secret)
    OpenSSL::Digest::SHA512.hexdigest(secret)
  end
end

# What the token endpoints were asked, and faults that a test ordered for the next requests.
class Ledger
  LOCK = Mutex.new
  ENTRIES = []
  FAULTS = []

  def initialize(app)
    @app = app
  end

  def call(env)
    request = Rack::Request.new(env)
    path = request.path_info
    return @app.call(env) unless request.post? && ["/oauth/token", "/oauth/revoke"].include?(path)

    kind = path == "/oauth/revoke" ? "revoke" : request.POST["grant_type"].to_s
    fault = LOCK.synchronize { FAULTS.shift }
    return refuse(fault, kind) if fault && fault["status"]

    status, headers, body = @app.call(env)
    note(kind, status)
    return [status, headers, body] unless fault

    # The answer is lost on its way: the work is done, nobody hears of it.
    env["rack.hijack"].call.close
    [-1, {}, []]
  end

  private

  def refuse(fault, kind)
    note(kind, fault["status"])
    [fault["status"], fault["headers"], [fault["body"]]]
  end

  def note(kind, status)
    LOCK.synchronize { ENTRIES << { kind: kind, status: status } }
  end
end

class GitLab < Rails::Application
  config.root = __dir__
  config.eager_load = false
  config.secret_key_base = SecureRandom.hex(64)
  config.session_store :cookie_store, key: "_gitlab_session", path: "#{SETTINGS["prefix"]}/"
  config.hosts.clear
  config.consider_all_requests_local = true
  config.logger = Logger.new($stderr)
  config.log_level = :warn
  config.middleware.use Ledger
end

class ApplicationController < ActionController::Base
  protect_from_forgery with: :exception

  def current_user
    @current_user ||= User.find_by(id: session[:user_id])
  end
end

class SessionsController < ApplicationController
  def new
  end

  def create
    user = User.find_by(username: params[:username], password: params[:password])
    return refuse("Invalid login or password.", :unauthorized) if user.nil?
    return refuse("Your account has been blocked.", :forbidden) if user.blocked?

    user.update!(signed_in_at: Time.now)
    session[:user_id] = user.id
    redirect_to(session.delete(:return_to) || "#{SETTINGS["prefix"]}/")
  end

  private

  def refuse(why, status)
    @alert = why
    render :new, status: status
  end
end

class ApiController < ActionController::API
  include Doorkeeper::Rails::Helpers

  MESSAGES = {
    expired: "Token is expired. You can either do re-authorization or token refresh.",
    revoked: "Token was revoked. You have to re-authorize from the user."
  }.freeze

  def user
    allowed("api", "read_api", "read_user") or return
    render json: user_json(@user)
  end

  def version
    allowed("api", "read_api", "read_user") or return
    render json: { version: SETTINGS.fetch("version"), revision: "0123456789a" }
  end

  def projects
    allowed("api", "read_api") or return
    render json: Project.order(id: :desc).map { |project| project_json(project) }
  end

  def project
    allowed("api", "read_api") or return
    found = Project.find_by(id: params[:id]) || Project.find_by(path_with_namespace: params[:id])
    return render(json: { message: "404 Project Not Found" }, status: :not_found) if found.nil?

    render json: project_json(found)
  end

  def keys
    allowed("api", "read_api", "read_user") or return
    render json: Key.where(user_id: @user.id).order(:id).map { |key| key_json(key) }
  end

  def key
    allowed("api", "read_api", "read_user") or return
    found = Key.find_by(id: params[:id], user_id: @user.id)
    found ? render(json: key_json(found)) : not_found
  end

  def add_key
    allowed("api") or return
    text = params[:key].to_s.strip
    return render(json: { error: "key is missing" }, status: :bad_request) if text.empty?
    unless text.match?(/\A(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-\S+) [A-Za-z0-9+\/]+=*( .*)?\z/)
      return invalid(key: ["type is forbidden. Must be RSA, ECDSA, ED25519, ECDSA_SK, or ED25519_SK"])
    end
    # One key belongs to one person of the whole instance.
    if Key.all.any? { |other| Key.body(other.key) == Key.body(text) }
      return invalid(fingerprint_sha256: ["has already been taken"], fingerprint: ["has already been taken"])
    end

    added = Key.create!(
      user_id: @user.id, title: params.require(:title), key: text,
      usage_type: params[:usage_type] || "auth_and_signing", expires_at: params[:expires_at]
    )
    render json: key_json(added), status: :created
  end

  def delete_key
    allowed("api") or return
    found = Key.find_by(id: params[:id], user_id: @user.id)
    return not_found if found.nil?

    found.destroy!
    head :no_content
  end

  private

  def allowed(*scopes)
    token = doorkeeper_token
    return deny(401, message: "401 Unauthorized") if token.nil?
    return deny(401, error: "invalid_token", error_description: MESSAGES[:revoked]) if token.revoked?
    return deny(401, error: "invalid_token", error_description: MESSAGES[:expired]) if token.expired?
    unless token.includes_scope?(*scopes)
      why = "The request requires higher privileges than provided by the access token."
      return deny(403, error: "insufficient_scope", error_description: why, scope: scopes.join(" "))
    end

    @user = User.find_by(id: token.resource_owner_id)
    return deny(401, message: "401 Unauthorized") if @user.nil?
    return deny(403, message: "403 Forbidden - Your account has been blocked.") if @user.blocked?

    true
  end

  def deny(status, body)
    render json: body, status: status
    false
  end

  def not_found
    render json: { message: "404 Not found" }, status: :not_found
  end

  def invalid(message)
    render json: { message: message }, status: :bad_request
  end

  def user_json(user)
    {
      id: user.id, username: user.username, name: user.name, state: user.state, locked: false, avatar_url: nil,
      web_url: "#{URL}/#{user.username}", created_at: user.created_at, email: user.email, public_email: nil,
      commit_email: user.email, confirmed_at: user.created_at, two_factor_enabled: false, external: false,
      is_admin: user.is_admin, can_create_project: true, identities: []
    }
  end

  def key_json(key)
    {
      id: key.id, title: key.title, key: key.key, created_at: key.created_at, expires_at: key.expires_at,
      last_used_at: nil, usage_type: key.usage_type
    }
  end

  def project_json(project)
    path = project.path_with_namespace
    {
      id: project.id, name: path.split("/").last, path: path.split("/").last, path_with_namespace: path,
      default_branch: project.default_branch, visibility: project.visibility, archived: false,
      created_at: project.created_at, last_activity_at: project.created_at, web_url: "#{URL}/#{path}",
      http_url_to_repo: "#{URL}/#{path}.git",
      ssh_url_to_repo: "git@#{URI(URL).host}:#{path}.git"
    }
  end
end

# What tests do to the instance behind its clients' back.
class TestkitController < ActionController::API
  def ready
    head :ok
  end

  def create_user
    fields = params.permit(:username, :name, :email, :password, :is_admin)
    render json: User.create!(fields)
  end

  def change_user
    User.find(params[:id]).update!(params.permit(:username, :state, :email))
    head :no_content
  end

  def create_project
    project = Project.create!(params.permit(:path_with_namespace, :visibility, :default_branch))
    render json: { id: project.id }
  end

  def create_application
    application = Doorkeeper::Application.create!(params.permit(:name, :redirect_uri, :scopes, :trusted, :confidential))
    render json: { uid: application.uid, secret: application.plaintext_secret }
  end

  def delete_application
    Doorkeeper::Application.find_by!(uid: params[:id]).destroy!
    head :no_content
  end

  def renew_secret
    application = Doorkeeper::Application.find_by!(uid: params[:id])
    application.renew_secret
    application.save!
    render json: { uid: application.uid, secret: application.plaintext_secret }
  end

  # Pairs that could still be used, of one application.
  def living_tokens
    application = Doorkeeper::Application.find_by!(uid: params[:id])
    render json: { count: Doorkeeper::AccessToken.where(application_id: application.id, revoked_at: nil).count }
  end

  def requests
    render json: Ledger::LOCK.synchronize { Ledger::ENTRIES.dup }
  end

  def order_fault
    fault = JSON.parse(request.raw_post)
    Ledger::LOCK.synchronize { Ledger::FAULTS << fault }
    head :no_content
  end
end

Doorkeeper.configure do
  orm :active_record
  resource_owner_authenticator do
    if current_user && !current_user.blocked?
      current_user
    else
      session[:return_to] = request.fullpath
      redirect_to "#{SETTINGS["prefix"]}/users/sign_in"
    end
  end
  resource_owner_from_credentials do
    found = User.find_by(username: params[:username], password: params[:password])
    found unless found&.blocked?
  end
  base_controller "ApplicationController"
  default_generator_method :hex
  authorization_code_expires_in 10.minutes
  access_token_expires_in SETTINGS["expires_in"]
  use_refresh_token
  if SETTINGS["reuse_tokens"]
    reuse_access_token
  else
    hash_token_secrets using: "::Sha512Hash"
    hash_application_secrets using: "::Sha512Hash"
  end
  force_ssl_in_redirect_uri false
  default_scopes :api
  optional_scopes :read_api, :read_user, :read_repository, :write_repository, :read_registry, :write_registry,
                  :create_runner, :manage_runner, :sudo, :admin_mode, :openid, :profile, :email
  access_token_methods :from_access_token_param, :from_bearer_authorization, :from_bearer_param
  grant_flows %w[authorization_code password client_credentials]
  skip_authorization { |_user, client| client.application.trusted? }
end

Doorkeeper::OpenidConnect.configure do
  issuer URL
  signing_key SIGNING_KEY
  protocol { URI(URL).scheme.to_sym }
  resource_owner_from_access_token { |token| User.find_by(id: token.resource_owner_id) }
  auth_time_from_resource_owner { |user| user.signed_in_at }
  reauthenticate_resource_owner do |_user, return_to|
    session.delete(:user_id)
    session[:return_to] = return_to
    redirect_to "#{SETTINGS["prefix"]}/users/sign_in"
  end
  subject { |user| user.id }
  claims do
    claim(:name, scope: :profile, response: %i[id_token user_info]) { |user| user.name }
    claim(:nickname, scope: :profile, response: %i[id_token user_info]) { |user| user.username }
    claim(:preferred_username, scope: :profile, response: %i[id_token user_info]) { |user| user.username }
    claim(:profile, scope: :profile) { |user| "#{URL}/#{user.username}" }
    claim(:email, scope: :email, response: %i[id_token user_info]) { |user| user.email }
    claim(:email_verified, scope: :email, response: %i[id_token user_info]) { |_user| true }
    claim(:groups, scope: :openid) { |_user| [] }
  end
end

GitLab.initialize!
Doorkeeper::Rails::Routes.install!
Doorkeeper::OpenidConnect::Rails::Routes.install!
GitLab.routes.draw do
  use_doorkeeper { skip_controllers :applications, :authorized_applications }
  use_doorkeeper_openid_connect
  get "users/sign_in", to: "sessions#new"
  post "users/sign_in", to: "sessions#create"
  scope "api/v4", controller: :api, format: false do
    get "user", action: :user
    get "version", action: :version
    get "metadata", action: :version if SETTINGS["has_metadata"]
    get "projects", action: :projects
    get "projects/:id", action: :project, constraints: { id: /[^\/]+/ }
    get "user/keys", action: :keys
    post "user/keys", action: :add_key
    get "user/keys/:id", action: :key
    delete "user/keys/:id", action: :delete_key
  end
  scope "testkit", controller: :testkit do
    get "ready", action: :ready
    get "requests", action: :requests
    post "faults", action: :order_fault
    post "users", action: :create_user
    put "users/:id", action: :change_user
    post "projects", action: :create_project
    post "applications", action: :create_application
    delete "applications/:id", action: :delete_application
    post "applications/:id/renew", action: :renew_secret
    get "applications/:id/living", action: :living_tokens
  end
end

map(SETTINGS["prefix"].empty? ? "/" : SETTINGS["prefix"]) { run GitLab }
