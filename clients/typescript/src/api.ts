// Generated from openapi.json by `npm run client`: what goes in and comes out. Not to be edited.
export const basePath = '/api/v1';

export type Registration = {
  /** Case does not matter */
  email: string;
  /** How the person is called */
  name: string;
  /** Not one of the most used, not characters in a row, not your e-mail address */
  password: string;
};

export type ProfileChanges = {
  /** How the person is called */
  name: string;
};

export type UserPatch = {
  role?: 'customer' | 'support' | 'catalog' | 'warehouse' | 'finance' | 'admin';
  status?: 'active' | 'disabled';
};

export type ShippingAddress = {
  name: string;
  line1: string;
  line2?: string;
  city: string;
  region?: string;
  postalCode?: string;
  country: string;
};

export type AddressPatch = {
  name?: string;
  line1?: string;
  line2?: string | null;
  city?: string;
  region?: string | null;
  postalCode?: string | null;
  country?: string;
};

export type ApiKeyRequest = {
  /** What it is for */
  name: string;
  /** What it may do */
  scopes: Array<'users:read' | 'audit:read' | 'products:read' | 'products:write' | 'stock:read' | 'stock:adjust' | 'orders:read' | 'orders:place' | 'orders:cancel' | 'orders:fulfill' | 'orders:export' | 'orders:refund' | 'payments:capture' | 'payments:void'>;
  /** Without it the key is good until it is revoked */
  expiresAt?: string;
};

export type PasswordChange = {
  currentPassword: string;
  /** Not one of the most used, not characters in a row, not your e-mail address */
  newPassword: string;
};

export type ForgottenPassword = {
  /** Case does not matter */
  email: string;
};

export type PasswordReset = {
  /** From the mail; good once */
  token: string;
  /** Not one of the most used, not characters in a row, not your e-mail address */
  newPassword: string;
};

export type EmailVerification = {
  /** From the mail; good once */
  token: string;
};

export type Credentials = {
  /** Case does not matter */
  email: string;
  password: string;
};

export type Refreshment = {
  refreshToken: string;
};

export type ProductRequest = {
  title: string;
  description?: string | null;
  status?: 'draft' | 'active' | 'archived';
  variants: Array<{
    sku: string;
    title?: string | null;
    price: Price;
    /** Hundredths of a percent: 1900 is 19 % */
    taxRateBps?: number;
    onHand?: number;
  }>;
};

export type Price = {
  amount: number;
  currency: Currency;
};

/** ISO 4217 code */
export type Currency = 'AED' | 'AFN' | 'ALL' | 'AMD' | 'AOA' | 'ARS' | 'AUD' | 'AWG' | 'AZN' | 'BAM' | 'BBD' | 'BDT' | 'BMD' | 'BND' | 'BOB' | 'BRL' | 'BSD' | 'BTN' | 'BWP' | 'BYN' | 'BZD' | 'CAD' | 'CDF' | 'CHE' | 'CHF' | 'CHW' | 'CNY' | 'COP' | 'CRC' | 'CUP' | 'CVE' | 'CZK' | 'DKK' | 'DOP' | 'DZD' | 'EGP' | 'ERN' | 'ETB' | 'EUR' | 'FJD' | 'FKP' | 'GBP' | 'GEL' | 'GHS' | 'GIP' | 'GMD' | 'GTQ' | 'GYD' | 'HKD' | 'HNL' | 'HTG' | 'HUF' | 'IDR' | 'ILS' | 'INR' | 'IRR' | 'JMD' | 'KES' | 'KGS' | 'KHR' | 'KPW' | 'KYD' | 'KZT' | 'LAK' | 'LBP' | 'LKR' | 'LRD' | 'LSL' | 'MAD' | 'MDL' | 'MGA' | 'MKD' | 'MMK' | 'MNT' | 'MOP' | 'MRU' | 'MUR' | 'MVR' | 'MWK' | 'MXN' | 'MYR' | 'MZN' | 'NAD' | 'NGN' | 'NIO' | 'NOK' | 'NPR' | 'NZD' | 'PAB' | 'PEN' | 'PGK' | 'PHP' | 'PKR' | 'PLN' | 'QAR' | 'RON' | 'RSD' | 'RUB' | 'SAR' | 'SBD' | 'SCR' | 'SDG' | 'SEK' | 'SGD' | 'SHP' | 'SLE' | 'SOS' | 'SRD' | 'SSP' | 'STN' | 'SVC' | 'SYP' | 'SZL' | 'THB' | 'TJS' | 'TMT' | 'TOP' | 'TRY' | 'TTD' | 'TWD' | 'TZS' | 'UAH' | 'USD' | 'USN' | 'UZS' | 'VED' | 'VES' | 'WST' | 'XCD' | 'XCG' | 'YER' | 'ZAR' | 'ZMW' | 'ZWG' | 'BHD' | 'BIF' | 'CLF' | 'CLP' | 'DJF' | 'GNF' | 'IQD' | 'ISK' | 'JOD' | 'JPY' | 'KMF' | 'KRW' | 'KWD' | 'LYD' | 'OMR' | 'PYG' | 'RWF' | 'TND' | 'UGX' | 'UYI' | 'UYW' | 'VND' | 'VUV' | 'XAF' | 'XOF' | 'XPF';

export type ProductPatch = {
  title?: string;
  description?: string | null;
  status?: 'draft' | 'active' | 'archived';
  variants?: Array<{
    sku: string;
    title?: string | null;
    price: Price;
    /** Hundredths of a percent: 1900 is 19 % */
    taxRateBps?: number;
  }>;
};

export type StockAdjustmentRequest = {
  sku: string;
  delta: number;
  reason: string;
};

export type QuoteRequest = {
  lines: Array<{
    sku: string;
    quantity: number;
  }>;
};

export type OrderRequest = {
  lines: Array<{
    sku: string;
    quantity: number;
  }>;
  shippingAddress?: ShippingAddress;
  /** What the customer was shown; another total is 409 */
  expectedTotal?: {
    amount: number;
    currency: Currency;
  };
  note?: string;
  /** Staff only: the customer for whom the order is placed */
  customerId?: string;
};

export type CancellationRequest = {
  reason?: string;
};

export type FulfillmentRequest = {
  /** What is sent; absent: all that is left */
  lines?: Array<{
    /** UUIDv7 */
    lineId: string;
    quantity: number;
  }>;
  carrier?: string;
  trackingNumber?: string;
};

export type RefundRequest = {
  /** Neither amount nor lines: all that is left */
  amount?: {
    amount: number;
    currency: Currency;
  };
  /** Instead of an amount: their share of what was paid, tax included */
  lines?: Array<{
    /** UUIDv7 */
    lineId: string;
    quantity: number;
  }>;
  reason: string;
  /** true: what was sent of these lines has come back, and is on hand again */
  restock?: boolean;
};

/** An account */
export type User = {
  id: string;
  /** Lower-cased */
  email: string;
  /** Nothing depends on it */
  emailVerified: boolean;
  name: string;
  role: 'customer' | 'support' | 'catalog' | 'warehouse' | 'finance' | 'admin';
  createdAt: string;
  /** Counts the changes; also the ETag */
  version: number;
};

/** An account as staff see it */
export type ManagedUser = {
  id: string;
  /** Lower-cased */
  email: string;
  /** Nothing depends on it */
  emailVerified: boolean;
  name: string;
  role: 'customer' | 'support' | 'catalog' | 'warehouse' | 'finance' | 'admin';
  createdAt: string;
  /** Counts the changes; also the ETag */
  version: number;
  /** Who is disabled can neither log in nor go on; of who is deleted only the id is left */
  status: 'active' | 'disabled' | 'deleted';
  updatedAt: string;
};

/** All that is held about one person */
export type PersonalData = {
  profile: User;
  /** As GET /users/me/addresses shows them */
  addresses: Array<Record<string, unknown>>;
  /** Where you are logged in */
  sessions: Array<Record<string, unknown>>;
  /** As GET /orders shows them, with their lines, newest first */
  orders: Array<Record<string, unknown>>;
  /** As GET /payments/{id} shows them, newest first */
  payments: Array<Record<string, unknown>>;
};

/** Where somebody has things sent */
export type Address = {
  name: string;
  line1: string;
  line2?: string;
  city: string;
  region?: string;
  postalCode?: string;
  country: string;
  id: string;
  createdAt: string;
  updatedAt: string;
  /** Counts the changes; also the ETag */
  version: number;
};

/** A key that was just made */
export type NewApiKey = {
  /** Also who did it, in the audit trail and on orders */
  id: string;
  name: string;
  /** The first characters of the key */
  prefix: string;
  scopes: Array<string>;
  createdBy: string;
  createdAt: string;
  expiresAt: string | null;
  revokedAt: string | null;
  /** To the minute */
  lastUsedAt: string | null;
  /** The key: shown this once, goes into `Authorization: Bearer …` */
  secret: string;
};

/** A key for a program */
export type ApiKey = {
  /** Also who did it, in the audit trail and on orders */
  id: string;
  name: string;
  /** The first characters of the key */
  prefix: string;
  scopes: Array<string>;
  createdBy: string;
  createdAt: string;
  expiresAt: string | null;
  revokedAt: string | null;
  /** To the minute */
  lastUsedAt: string | null;
};

export type PasswordResetRequested = {
  /** Whether this server sends mail at all; false: ask the shop for help instead */
  sendsMail: boolean;
};

/** What a login is carried on with */
export type Tokens = {
  /** Goes into `Authorization: Bearer …` */
  accessToken: string;
  /** Opaque; good for one refresh, which gives its successor */
  refreshToken: string;
  tokenType: 'Bearer';
  /** Seconds until the access token expires */
  expiresIn: number;
};

/** A login that is open */
export type Session = {
  id: string;
  /** When you logged in */
  createdAt: string;
  /** When its tokens were last made: as exact as an access token is long-lived */
  lastUsedAt: string;
  /** The network address from which that was */
  address: string | null;
  /** Whether it is the one you are calling with */
  current: boolean;
};

export type Product = {
  /** UUIDv7 */
  id: string;
  title: string;
  description: string | null;
  status: 'draft' | 'active' | 'archived';
  variants: Array<{
    /** UUIDv7 */
    id: string;
    sku: string;
    title: string | null;
    price: Money;
    taxRateBps: number;
  }>;
  createdAt: string;
  updatedAt: string;
  /** Counts the changes; also the ETag */
  version: number;
};

/** Integer minor units by the exponent of ISO 4217 */
export type Money = {
  amount: number;
  currency: Currency;
};

export type StockLevel = {
  sku: string;
  onHand: number;
  reserved: number;
  available: number;
  /** Counts the changes; also the ETag */
  version: number;
};

/** The change, why it was made, and the level after it */
export type StockMovement = {
  /** UUIDv7 */
  id: string;
  sku: string;
  kind: 'adjustment' | 'reservation' | 'release' | 'shipment' | 'return';
  /** Change of what is on hand */
  delta: number;
  reservedDelta: number;
  onHand: number;
  reserved: number;
  reason: string | null;
  /** The order that it was for; then there need be no reason */
  orderId: string | null;
  createdAt: string;
};

export type Order = {
  /** UUIDv7 */
  id: string;
  number: string;
  /** UUIDv7 */
  customerId: string;
  status: 'pending_payment' | 'confirmed' | 'fulfilled' | 'completed' | 'cancelled' | 'expired';
  paymentStatus: 'unpaid' | 'processing' | 'authorized' | 'paid' | 'void_pending' | 'voided' | 'refund_pending' | 'partially_refunded' | 'refunded';
  fulfillmentStatus: 'unfulfilled' | 'partially_fulfilled' | 'fulfilled' | 'delivered';
  currency: string;
  lines: Array<{
    sku: string;
    title: string;
    quantity: number;
    unitPrice: Money;
    tax: Money;
    total: Money;
    /** UUIDv7 */
    id: string;
  }>;
  subtotal: Money;
  tax: Money;
  total: Money;
  shippingAddress: ShippingAddress | null;
  note: string | null;
  cancelReason: string | null;
  placedAt: string;
  /** When the reservation ends; null unless pending_payment */
  expiresAt: string | null;
  /** Counts the changes; also the ETag */
  version: number;
};

export type Quote = {
  currency: string;
  lines: Array<{
    sku: string;
    title: string;
    quantity: number;
    unitPrice: Money;
    tax: Money;
    total: Money;
  }>;
  subtotal: Money;
  tax: Money;
  total: Money;
};

export type Fulfillment = {
  /** UUIDv7 */
  id: string;
  /** UUIDv7 */
  orderId: string;
  status: 'shipped' | 'delivered';
  lines: Array<{
    /** UUIDv7 */
    lineId: string;
    sku: string;
    quantity: number;
  }>;
  carrier: string | null;
  trackingNumber: string | null;
  shippedAt: string;
  deliveredAt: string | null;
};

export type TimelineEntry = {
  /** The fact: `order.…`, `fulfillment.…` or `payment.…` */
  type: string;
  /** The order's, after it */
  status: 'pending_payment' | 'confirmed' | 'fulfilled' | 'completed' | 'cancelled' | 'expired';
  /** A customer is not told which of the staff acted */
  actor: {
    type: 'customer' | 'staff' | 'api_key' | 'payment' | 'system';
    id: string | null;
  };
  requestId: string | null;
  fulfillmentId: string | null;
  paymentId: string | null;
  amount: Money | null;
  happenedAt: string;
};

export type Payment = {
  /** UUIDv7 */
  id: string;
  /** UUIDv7 */
  orderId: string;
  provider: string;
  /** A captured payment stays captured when it is refunded: see refundedAmount */
  status: 'processing' | 'requires_action' | 'authorized' | 'captured' | 'voided' | 'declined';
  amount: Money;
  capturedAmount: Money;
  refundedAmount: Money;
  /** What the customer has to do while the status is requires_action */
  nextAction: {
    type: 'redirect';
    url: string;
  } | null;
  createdAt: string;
  /** Counts the changes; also the ETag */
  version: number;
};

export type Refund = {
  /** UUIDv7 */
  id: string;
  /** UUIDv7 */
  orderId: string;
  /** UUIDv7 */
  paymentId: string;
  amount: Money;
  /** Empty for a refund of an amount */
  lines: Array<{
    /** UUIDv7 */
    lineId: string;
    quantity: number;
    amount: Money;
  }>;
  reason: string;
  restock: boolean;
  status: 'pending' | 'succeeded' | 'failed';
  createdAt: string;
};

export type AuditEntry = {
  id: string;
  happenedAt: string;
  actorType: 'user' | 'api_key' | null;
  actorId: string | null;
  role: string | null;
  action: string;
  subjectType: string;
  subjectId: string | null;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  address: string | null;
  requestId: string | null;
};

/** Every code that a problem of the API may carry. */
export type ProblemCode =
  | 'accept_unsupported'
  | 'address_not_found'
  | 'api_key_not_found'
  | 'body_too_large'
  | 'credentials_invalid'
  | 'currency_mismatch'
  | 'current_password_wrong'
  | 'cursor_invalid'
  | 'customer_unknown'
  | 'database_busy'
  | 'database_unavailable'
  | 'duplicate_line'
  | 'duplicate_sku'
  | 'email_taken'
  | 'expiry_passed'
  | 'exports_busy'
  | 'fulfillment_exceeds_ordered'
  | 'fulfillment_not_found'
  | 'fulfillment_status_forbidden'
  | 'idempotency_in_progress'
  | 'idempotency_key_invalid'
  | 'idempotency_key_required'
  | 'idempotency_key_reused'
  | 'if_match_invalid'
  | 'if_match_required'
  | 'insufficient_stock'
  | 'internal_error'
  | 'last_admin'
  | 'malformed_json'
  | 'mixed_currencies'
  | 'nothing_to_refund'
  | 'order_not_found'
  | 'order_not_paid'
  | 'order_status_forbidden'
  | 'orders_open'
  | 'origin_not_allowed'
  | 'overloaded'
  | 'password_hashing_busy'
  | 'path_invalid'
  | 'payment_declined'
  | 'payment_in_progress'
  | 'payment_not_found'
  | 'payment_status_forbidden'
  | 'permission_denied'
  | 'price_changed'
  | 'prices_in_motion'
  | 'product_not_found'
  | 'product_unavailable'
  | 'provider_unavailable'
  | 'provider_unknown'
  | 'rate_limited'
  | 'refresh_token_invalid'
  | 'refund_declined'
  | 'refund_exceeds_captured'
  | 'refund_exceeds_ordered'
  | 'request_timed_out'
  | 'reset_token_invalid'
  | 'restock_exceeds_shipped'
  | 'route_not_found'
  | 'session_not_found'
  | 'signature_invalid'
  | 'sku_taken'
  | 'stock_below_reserved'
  | 'stock_too_large'
  | 'token_expired'
  | 'token_invalid'
  | 'token_required'
  | 'too_many_addresses'
  | 'total_too_large'
  | 'unknown_line'
  | 'unknown_sku'
  | 'unsupported_media_type'
  | 'user_deleted'
  | 'user_not_found'
  | 'validation_failed'
  | 'verification_token_invalid'
  | 'version_stale';

/** What each operation takes, and what it answers. */
export type Operations = {
  /** Open an account */
  registerUser: {
    input: {
      body: Registration;
    };
    answer: {
      status: 201;
      data: User;
    };
    code: 'validation_failed' | 'path_invalid' | 'malformed_json' | 'origin_not_allowed' | 'request_timed_out' | 'email_taken' | 'body_too_large' | 'unsupported_media_type' | 'rate_limited' | 'internal_error' | 'password_hashing_busy' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Accounts, newest first */
  listUsers: {
    input: {
      query?: {
        /** How many at most */
        limit?: number;
        /** `page.nextCursor` of the page before */
        cursor?: string;
        /** Of this address */
        email?: string;
        /** With this role */
        role?: 'customer' | 'support' | 'catalog' | 'warehouse' | 'finance' | 'admin';
        /** In this state */
        status?: 'active' | 'disabled' | 'deleted';
      };
    };
    answer: {
      status: 200;
      data: Array<ManagedUser>;
      page: {
        nextCursor: string | null;
      };
    };
    code: 'validation_failed' | 'path_invalid' | 'cursor_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** See your account */
  getMyAccount: {
    input: {};
    answer: {
      status: 200;
      data: User;
    };
    code: 'validation_failed' | 'path_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Change your name */
  changeMyAccount: {
    input: {
      body: ProfileChanges;
      ifMatch: string;
    };
    answer: {
      status: 200;
      data: User;
    };
    code: 'validation_failed' | 'path_invalid' | 'malformed_json' | 'if_match_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'version_stale' | 'body_too_large' | 'unsupported_media_type' | 'if_match_required' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Delete your account */
  deleteMyAccount: {
    input: {
      ifMatch: string;
    };
    answer: { status: 204 };
    code: 'validation_failed' | 'path_invalid' | 'if_match_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'orders_open' | 'last_admin' | 'version_stale' | 'if_match_required' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** All that is held about you */
  exportMyData: {
    input: {};
    answer: {
      status: 200;
      data: PersonalData;
    };
    code: 'validation_failed' | 'path_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** One account */
  getUser: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
    };
    answer: {
      status: 200;
      data: ManagedUser;
    };
    code: 'validation_failed' | 'path_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'user_not_found' | 'route_not_found' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Give somebody another role, disable or enable an account */
  changeUser: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
      body: UserPatch;
      ifMatch: string;
    };
    answer: {
      status: 200;
      data: ManagedUser;
    };
    code: 'validation_failed' | 'path_invalid' | 'malformed_json' | 'if_match_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'user_not_found' | 'route_not_found' | 'request_timed_out' | 'last_admin' | 'user_deleted' | 'version_stale' | 'body_too_large' | 'unsupported_media_type' | 'if_match_required' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Your addresses, newest first */
  listMyAddresses: {
    input: {
      query?: {
        /** How many at most */
        limit?: number;
        /** `page.nextCursor` of the page before */
        cursor?: string;
      };
    };
    answer: {
      status: 200;
      data: Array<Address>;
      page: {
        nextCursor: string | null;
      };
    };
    code: 'validation_failed' | 'path_invalid' | 'cursor_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Keep an address */
  createMyAddress: {
    input: {
      body: ShippingAddress;
    };
    answer: {
      status: 201;
      data: Address;
    };
    code: 'validation_failed' | 'path_invalid' | 'malformed_json' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'body_too_large' | 'unsupported_media_type' | 'too_many_addresses' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** One of your addresses */
  getMyAddress: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
    };
    answer: {
      status: 200;
      data: Address;
    };
    code: 'validation_failed' | 'path_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'address_not_found' | 'route_not_found' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Change an address; what is absent stays, null takes away */
  changeMyAddress: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
      body: AddressPatch;
      ifMatch: string;
    };
    answer: {
      status: 200;
      data: Address;
    };
    code: 'validation_failed' | 'path_invalid' | 'malformed_json' | 'if_match_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'address_not_found' | 'route_not_found' | 'request_timed_out' | 'version_stale' | 'body_too_large' | 'unsupported_media_type' | 'if_match_required' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Forget an address */
  deleteMyAddress: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
      ifMatch: string;
    };
    answer: { status: 204 };
    code: 'validation_failed' | 'path_invalid' | 'if_match_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'address_not_found' | 'route_not_found' | 'request_timed_out' | 'version_stale' | 'if_match_required' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Make a key for a program */
  createApiKey: {
    input: {
      body: ApiKeyRequest;
    };
    answer: {
      status: 201;
      data: NewApiKey;
    };
    code: 'validation_failed' | 'path_invalid' | 'malformed_json' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'body_too_large' | 'unsupported_media_type' | 'expiry_passed' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Keys, newest first, also those that are revoked or expired */
  listApiKeys: {
    input: {
      query?: {
        /** How many at most */
        limit?: number;
        /** `page.nextCursor` of the page before */
        cursor?: string;
      };
    };
    answer: {
      status: 200;
      data: Array<ApiKey>;
      page: {
        nextCursor: string | null;
      };
    };
    code: 'validation_failed' | 'path_invalid' | 'cursor_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** One key */
  getApiKey: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
    };
    answer: {
      status: 200;
      data: ApiKey;
    };
    code: 'validation_failed' | 'path_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'api_key_not_found' | 'route_not_found' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Revoke a key, for good */
  revokeApiKey: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
    };
    answer: { status: 204 };
    code: 'validation_failed' | 'path_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'api_key_not_found' | 'route_not_found' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Change your password */
  changeMyPassword: {
    input: {
      body: PasswordChange;
    };
    answer: { status: 204 };
    code: 'validation_failed' | 'path_invalid' | 'malformed_json' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'body_too_large' | 'unsupported_media_type' | 'current_password_wrong' | 'rate_limited' | 'internal_error' | 'password_hashing_busy' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Ask for a new password */
  forgetPassword: {
    input: {
      body: ForgottenPassword;
    };
    answer: {
      status: 202;
      data: PasswordResetRequested;
    };
    code: 'validation_failed' | 'path_invalid' | 'malformed_json' | 'origin_not_allowed' | 'request_timed_out' | 'body_too_large' | 'unsupported_media_type' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Choose a new password with the token of a mail */
  resetPassword: {
    input: {
      body: PasswordReset;
    };
    answer: { status: 204 };
    code: 'validation_failed' | 'path_invalid' | 'malformed_json' | 'origin_not_allowed' | 'request_timed_out' | 'body_too_large' | 'unsupported_media_type' | 'reset_token_invalid' | 'rate_limited' | 'internal_error' | 'password_hashing_busy' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Verify your e-mail address */
  verifyEmail: {
    input: {
      body: EmailVerification;
    };
    answer: { status: 204 };
    code: 'validation_failed' | 'path_invalid' | 'malformed_json' | 'origin_not_allowed' | 'request_timed_out' | 'body_too_large' | 'unsupported_media_type' | 'verification_token_invalid' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Log in */
  logIn: {
    input: {
      body: Credentials;
    };
    answer: {
      status: 200;
      data: Tokens;
    };
    code: 'validation_failed' | 'path_invalid' | 'malformed_json' | 'credentials_invalid' | 'origin_not_allowed' | 'request_timed_out' | 'body_too_large' | 'unsupported_media_type' | 'rate_limited' | 'internal_error' | 'password_hashing_busy' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Get new tokens for a login */
  refreshTokens: {
    input: {
      body: Refreshment;
    };
    answer: {
      status: 200;
      data: Tokens;
    };
    code: 'validation_failed' | 'path_invalid' | 'malformed_json' | 'refresh_token_invalid' | 'origin_not_allowed' | 'request_timed_out' | 'body_too_large' | 'unsupported_media_type' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Log out */
  logOut: {
    input: {};
    answer: { status: 204 };
    code: 'validation_failed' | 'path_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Where you are logged in, newest first */
  listMySessions: {
    input: {
      query?: {
        /** How many at most */
        limit?: number;
        /** `page.nextCursor` of the page before */
        cursor?: string;
      };
    };
    answer: {
      status: 200;
      data: Array<Session>;
      page: {
        nextCursor: string | null;
      };
    };
    code: 'validation_failed' | 'path_invalid' | 'cursor_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Log out somewhere else */
  revokeMySession: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
    };
    answer: { status: 204 };
    code: 'validation_failed' | 'path_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'session_not_found' | 'route_not_found' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Products on sale, or those that a search finds, newest first; staff also see drafts and archived ones */
  listProducts: {
    input: {
      query?: {
        /** How many at most */
        limit?: number;
        /** `page.nextCursor` of the page before */
        cursor?: string;
        /** Whole words, in any case: all of them, `or` for one of two, `-word` for none, `"in a row"`. Looked for in title, description, variant titles and SKUs */
        q?: string;
      };
    };
    answer: {
      status: 200;
      data: Array<Product>;
      page: {
        nextCursor: string | null;
      };
    };
    code: 'validation_failed' | 'path_invalid' | 'cursor_invalid' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Put a product on sale, with its variants and their first stock */
  createProduct: {
    input: {
      body: ProductRequest;
    };
    answer: {
      status: 201;
      data: Product;
    };
    code: 'duplicate_sku' | 'validation_failed' | 'path_invalid' | 'malformed_json' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'sku_taken' | 'body_too_large' | 'unsupported_media_type' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** One product */
  getProduct: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
    };
    answer: {
      status: 200;
      data: Product;
    };
    code: 'validation_failed' | 'path_invalid' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'product_not_found' | 'route_not_found' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Change a product; variants are added or changed by SKU, absent ones stay */
  patchProduct: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
      body: ProductPatch;
      ifMatch: string;
    };
    answer: {
      status: 200;
      data: Product;
    };
    code: 'duplicate_sku' | 'validation_failed' | 'path_invalid' | 'malformed_json' | 'if_match_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'product_not_found' | 'route_not_found' | 'request_timed_out' | 'sku_taken' | 'version_stale' | 'body_too_large' | 'unsupported_media_type' | 'if_match_required' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Take a product off sale; orders that name it keep their copy */
  archiveProduct: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
      ifMatch: string;
    };
    answer: { status: 204 };
    code: 'validation_failed' | 'path_invalid' | 'if_match_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'product_not_found' | 'route_not_found' | 'request_timed_out' | 'version_stale' | 'if_match_required' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Stock levels by SKU */
  listStock: {
    input: {
      query?: {
        /** How many at most */
        limit?: number;
        /** `page.nextCursor` of the page before */
        cursor?: string;
        /** This one only */
        sku?: string;
      };
    };
    answer: {
      status: 200;
      data: Array<StockLevel>;
      page: {
        nextCursor: string | null;
      };
    };
    code: 'validation_failed' | 'path_invalid' | 'cursor_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** The ledger of stock, newest first: every change, why it was made or for which order, and the level after it */
  listStockMovements: {
    input: {
      query?: {
        /** How many at most */
        limit?: number;
        /** `page.nextCursor` of the page before */
        cursor?: string;
        /** This one only */
        sku?: string;
      };
    };
    answer: {
      status: 200;
      data: Array<StockMovement>;
      page: {
        nextCursor: string | null;
      };
    };
    code: 'validation_failed' | 'path_invalid' | 'cursor_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Change what is on hand: a delivery, a loss, a count */
  adjustStock: {
    input: {
      body: StockAdjustmentRequest;
      idempotencyKey?: string;
    };
    answer: {
      status: 201;
      data: StockMovement;
    };
    code: 'validation_failed' | 'path_invalid' | 'malformed_json' | 'idempotency_key_required' | 'idempotency_key_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'idempotency_in_progress' | 'body_too_large' | 'unsupported_media_type' | 'unknown_sku' | 'stock_below_reserved' | 'stock_too_large' | 'idempotency_key_reused' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** All orders, newest first, as CSV or NDJSON */
  exportOrders: {
    input: {
      query?: {
        /** In this state only */
        status?: 'pending_payment' | 'confirmed' | 'fulfilled' | 'completed' | 'cancelled' | 'expired';
        /** Of this customer only; without orders:read there are only your own */
        customerId?: string;
        /** Placed at this time or later */
        createdAfter?: string;
        /** Placed before this time */
        createdBefore?: string;
      };
      accept: 'text/csv' | 'application/x-ndjson';
    };
    answer: { status: 200; stream: ReadableStream<Uint8Array> };
    code: 'validation_failed' | 'path_invalid' | 'accept_unsupported' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'exports_busy' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** What an order would cost, without any effect */
  quoteOrder: {
    input: {
      body: QuoteRequest;
    };
    answer: {
      status: 200;
      data: Quote;
    };
    code: 'duplicate_sku' | 'validation_failed' | 'path_invalid' | 'malformed_json' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'body_too_large' | 'unsupported_media_type' | 'unknown_sku' | 'product_unavailable' | 'mixed_currencies' | 'total_too_large' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Place an order: stock is reserved until it is paid or the reservation runs out */
  placeOrder: {
    input: {
      body: OrderRequest;
      idempotencyKey?: string;
    };
    answer: {
      status: 201;
      data: Order;
    };
    code: 'duplicate_sku' | 'validation_failed' | 'path_invalid' | 'malformed_json' | 'idempotency_key_required' | 'idempotency_key_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'price_changed' | 'idempotency_in_progress' | 'body_too_large' | 'unsupported_media_type' | 'unknown_sku' | 'product_unavailable' | 'mixed_currencies' | 'total_too_large' | 'insufficient_stock' | 'customer_unknown' | 'idempotency_key_reused' | 'rate_limited' | 'internal_error' | 'prices_in_motion' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Your own orders, newest first; staff see all */
  listOrders: {
    input: {
      query?: {
        /** How many at most */
        limit?: number;
        /** `page.nextCursor` of the page before */
        cursor?: string;
        /** In this state only */
        status?: 'pending_payment' | 'confirmed' | 'fulfilled' | 'completed' | 'cancelled' | 'expired';
        /** Of this customer only; without orders:read there are only your own */
        customerId?: string;
        /** Placed at this time or later */
        createdAfter?: string;
        /** Placed before this time */
        createdBefore?: string;
      };
    };
    answer: {
      status: 200;
      data: Array<Order>;
      page: {
        nextCursor: string | null;
      };
    };
    code: 'validation_failed' | 'path_invalid' | 'cursor_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** One order */
  getOrder: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
    };
    answer: {
      status: 200;
      data: Order;
    };
    code: 'validation_failed' | 'path_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'order_not_found' | 'route_not_found' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Cancel an order of which nothing was sent: stock is released, money given back */
  cancelOrder: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
      body?: CancellationRequest;
      idempotencyKey?: string;
    };
    answer: {
      status: 200;
      data: Order;
    };
    code: 'validation_failed' | 'path_invalid' | 'malformed_json' | 'idempotency_key_required' | 'idempotency_key_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'order_not_found' | 'route_not_found' | 'request_timed_out' | 'order_status_forbidden' | 'idempotency_in_progress' | 'body_too_large' | 'unsupported_media_type' | 'idempotency_key_reused' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy';
  };
  /** Send a part of an order, or all that is left: the stock leaves the house */
  fulfilOrder: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
      body?: FulfillmentRequest;
      idempotencyKey?: string;
    };
    answer: {
      status: 201;
      data: Fulfillment;
    };
    code: 'duplicate_line' | 'validation_failed' | 'path_invalid' | 'malformed_json' | 'idempotency_key_required' | 'idempotency_key_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'order_not_found' | 'route_not_found' | 'request_timed_out' | 'order_status_forbidden' | 'order_not_paid' | 'idempotency_in_progress' | 'body_too_large' | 'unsupported_media_type' | 'unknown_line' | 'fulfillment_exceeds_ordered' | 'idempotency_key_reused' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** What was sent of an order, oldest first */
  listFulfillments: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
      query?: {
        /** How many at most */
        limit?: number;
        /** `page.nextCursor` of the page before */
        cursor?: string;
      };
    };
    answer: {
      status: 200;
      data: Array<Fulfillment>;
      page: {
        nextCursor: string | null;
      };
    };
    code: 'validation_failed' | 'path_invalid' | 'cursor_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'order_not_found' | 'route_not_found' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** A fulfillment has arrived; with the last one of a fulfilled order, the order is completed */
  deliverFulfillment: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
      body?: Record<string, never>;
      idempotencyKey?: string;
    };
    answer: {
      status: 200;
      data: Fulfillment;
    };
    code: 'validation_failed' | 'path_invalid' | 'malformed_json' | 'idempotency_key_required' | 'idempotency_key_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'fulfillment_not_found' | 'route_not_found' | 'request_timed_out' | 'fulfillment_status_forbidden' | 'idempotency_in_progress' | 'body_too_large' | 'unsupported_media_type' | 'idempotency_key_reused' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** What happened to an order, oldest first */
  getOrderTimeline: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
      query?: {
        /** How many at most */
        limit?: number;
        /** `page.nextCursor` of the page before */
        cursor?: string;
      };
    };
    answer: {
      status: 200;
      data: Array<TimelineEntry>;
      page: {
        nextCursor: string | null;
      };
    };
    code: 'validation_failed' | 'path_invalid' | 'cursor_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'order_not_found' | 'route_not_found' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** List the payments of an order, newest first */
  listPayments: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
      query?: {
        /** How many at most */
        limit?: number;
        /** `page.nextCursor` of the page before */
        cursor?: string;
      };
    };
    answer: {
      status: 200;
      data: Array<Payment>;
      page: {
        nextCursor: string | null;
      };
    };
    code: 'cursor_invalid' | 'validation_failed' | 'path_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'order_not_found' | 'route_not_found' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Pay an order */
  createPayment: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
      body: {
        /** The provider's token of a card or account; never a card number */
        token: string;
        /** false only authorises; the money is captured later */
        capture?: boolean;
      };
      idempotencyKey?: string;
    };
    answer: {
      status: 201;
      data: Payment;
    } | {
      status: 202;
      data: Payment;
    };
    code: 'validation_failed' | 'path_invalid' | 'malformed_json' | 'idempotency_key_required' | 'idempotency_key_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'payment_declined' | 'origin_not_allowed' | 'permission_denied' | 'order_not_found' | 'route_not_found' | 'request_timed_out' | 'payment_in_progress' | 'order_status_forbidden' | 'idempotency_in_progress' | 'body_too_large' | 'unsupported_media_type' | 'idempotency_key_reused' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Hear an event of the payment provider */
  receivePaymentEvent: {
    input: {
      params: {
        /** Which provider: as configured */
        provider: string;
      };
      body: Record<string, unknown>;
    };
    answer: { status: 204 };
    code: 'signature_invalid' | 'validation_failed' | 'path_invalid' | 'malformed_json' | 'origin_not_allowed' | 'provider_unknown' | 'route_not_found' | 'request_timed_out' | 'body_too_large' | 'unsupported_media_type' | 'internal_error' | 'provider_unavailable' | 'database_unavailable' | 'database_busy';
  };
  /** Read a payment */
  getPayment: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
    };
    answer: {
      status: 200;
      data: Payment;
    };
    code: 'validation_failed' | 'path_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'payment_not_found' | 'route_not_found' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Ask the provider now how the payment stands */
  confirmPayment: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
      body?: Record<string, never>;
      idempotencyKey?: string;
    };
    answer: {
      status: 200;
      data: Payment;
    };
    code: 'validation_failed' | 'path_invalid' | 'malformed_json' | 'idempotency_key_required' | 'idempotency_key_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'payment_not_found' | 'route_not_found' | 'request_timed_out' | 'idempotency_in_progress' | 'body_too_large' | 'unsupported_media_type' | 'idempotency_key_reused' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Capture an authorised payment */
  capturePayment: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
      body?: Record<string, never>;
      idempotencyKey?: string;
    };
    answer: {
      status: 200;
      data: Payment;
    };
    code: 'validation_failed' | 'path_invalid' | 'malformed_json' | 'idempotency_key_required' | 'idempotency_key_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'payment_not_found' | 'route_not_found' | 'request_timed_out' | 'payment_status_forbidden' | 'idempotency_in_progress' | 'body_too_large' | 'unsupported_media_type' | 'idempotency_key_reused' | 'rate_limited' | 'internal_error' | 'provider_unavailable' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Void an authorised payment */
  voidPayment: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
      body?: Record<string, never>;
      idempotencyKey?: string;
    };
    answer: {
      status: 200;
      data: Payment;
    };
    code: 'validation_failed' | 'path_invalid' | 'malformed_json' | 'idempotency_key_required' | 'idempotency_key_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'payment_not_found' | 'route_not_found' | 'request_timed_out' | 'payment_status_forbidden' | 'idempotency_in_progress' | 'body_too_large' | 'unsupported_media_type' | 'idempotency_key_reused' | 'rate_limited' | 'internal_error' | 'provider_unavailable' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** List the refunds of an order, newest first */
  listRefunds: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
      query?: {
        /** How many at most */
        limit?: number;
        /** `page.nextCursor` of the page before */
        cursor?: string;
      };
    };
    answer: {
      status: 200;
      data: Array<Refund>;
      page: {
        nextCursor: string | null;
      };
    };
    code: 'cursor_invalid' | 'validation_failed' | 'path_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'order_not_found' | 'route_not_found' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
  /** Refund an order: an amount, some of its lines, or all that is left */
  createRefund: {
    input: {
      params: {
        /** UUIDv7 */
        id: string;
      };
      body: RefundRequest;
      idempotencyKey?: string;
    };
    answer: {
      status: 201;
      data: Refund;
    } | {
      status: 202;
      data: Refund;
    };
    code: 'duplicate_line' | 'validation_failed' | 'path_invalid' | 'malformed_json' | 'idempotency_key_required' | 'idempotency_key_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'order_not_found' | 'route_not_found' | 'request_timed_out' | 'payment_status_forbidden' | 'idempotency_in_progress' | 'body_too_large' | 'unsupported_media_type' | 'refund_exceeds_captured' | 'refund_exceeds_ordered' | 'restock_exceeds_shipped' | 'unknown_line' | 'currency_mismatch' | 'nothing_to_refund' | 'refund_declined' | 'idempotency_key_reused' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy';
  };
  /** Who did what, newest first */
  listAuditEntries: {
    input: {
      query?: {
        /** How many at most */
        limit?: number;
        /** `page.nextCursor` of the page before */
        cursor?: string;
        /** Who did it: an account or an API key */
        actorId?: string;
        /** What was done */
        action?: string;
        /** To what it was done */
        subjectId?: string;
        /** By which request: its X-Request-Id */
        requestId?: string;
      };
    };
    answer: {
      status: 200;
      data: Array<AuditEntry>;
      page: {
        nextCursor: string | null;
      };
    };
    code: 'cursor_invalid' | 'validation_failed' | 'path_invalid' | 'token_required' | 'token_invalid' | 'token_expired' | 'origin_not_allowed' | 'permission_denied' | 'request_timed_out' | 'rate_limited' | 'internal_error' | 'database_unavailable' | 'database_busy' | 'overloaded';
  };
};

/** How each operation is asked for. */
export const operations = {
  registerUser: { method: 'POST', path: '/users', isPublic: true, isIdempotent: false, isList: false },
  listUsers: { method: 'GET', path: '/users', isPublic: false, isIdempotent: false, isList: true },
  getMyAccount: { method: 'GET', path: '/users/me', isPublic: false, isIdempotent: false, isList: false },
  changeMyAccount: { method: 'PATCH', path: '/users/me', isPublic: false, isIdempotent: false, isList: false },
  deleteMyAccount: { method: 'DELETE', path: '/users/me', isPublic: false, isIdempotent: false, isList: false },
  exportMyData: { method: 'GET', path: '/users/me/export', isPublic: false, isIdempotent: false, isList: false },
  getUser: { method: 'GET', path: '/users/{id}', isPublic: false, isIdempotent: false, isList: false },
  changeUser: { method: 'PATCH', path: '/users/{id}', isPublic: false, isIdempotent: false, isList: false },
  listMyAddresses: { method: 'GET', path: '/users/me/addresses', isPublic: false, isIdempotent: false, isList: true },
  createMyAddress: { method: 'POST', path: '/users/me/addresses', isPublic: false, isIdempotent: false, isList: false },
  getMyAddress: { method: 'GET', path: '/users/me/addresses/{id}', isPublic: false, isIdempotent: false, isList: false },
  changeMyAddress: { method: 'PATCH', path: '/users/me/addresses/{id}', isPublic: false, isIdempotent: false, isList: false },
  deleteMyAddress: { method: 'DELETE', path: '/users/me/addresses/{id}', isPublic: false, isIdempotent: false, isList: false },
  createApiKey: { method: 'POST', path: '/api-keys', isPublic: false, isIdempotent: false, isList: false },
  listApiKeys: { method: 'GET', path: '/api-keys', isPublic: false, isIdempotent: false, isList: true },
  getApiKey: { method: 'GET', path: '/api-keys/{id}', isPublic: false, isIdempotent: false, isList: false },
  revokeApiKey: { method: 'DELETE', path: '/api-keys/{id}', isPublic: false, isIdempotent: false, isList: false },
  changeMyPassword: { method: 'POST', path: '/users/me/password', isPublic: false, isIdempotent: false, isList: false },
  forgetPassword: { method: 'POST', path: '/auth/forgot-password', isPublic: true, isIdempotent: false, isList: false },
  resetPassword: { method: 'POST', path: '/auth/reset-password', isPublic: true, isIdempotent: false, isList: false },
  verifyEmail: { method: 'POST', path: '/auth/verify-email', isPublic: true, isIdempotent: false, isList: false },
  logIn: { method: 'POST', path: '/auth/login', isPublic: true, isIdempotent: false, isList: false },
  refreshTokens: { method: 'POST', path: '/auth/refresh', isPublic: true, isIdempotent: false, isList: false },
  logOut: { method: 'POST', path: '/auth/logout', isPublic: false, isIdempotent: false, isList: false },
  listMySessions: { method: 'GET', path: '/users/me/sessions', isPublic: false, isIdempotent: false, isList: true },
  revokeMySession: { method: 'DELETE', path: '/users/me/sessions/{id}', isPublic: false, isIdempotent: false, isList: false },
  listProducts: { method: 'GET', path: '/products', isPublic: false, isIdempotent: false, isList: true },
  createProduct: { method: 'POST', path: '/products', isPublic: false, isIdempotent: false, isList: false },
  getProduct: { method: 'GET', path: '/products/{id}', isPublic: false, isIdempotent: false, isList: false },
  patchProduct: { method: 'PATCH', path: '/products/{id}', isPublic: false, isIdempotent: false, isList: false },
  archiveProduct: { method: 'DELETE', path: '/products/{id}', isPublic: false, isIdempotent: false, isList: false },
  listStock: { method: 'GET', path: '/stock', isPublic: false, isIdempotent: false, isList: true },
  listStockMovements: { method: 'GET', path: '/stock/movements', isPublic: false, isIdempotent: false, isList: true },
  adjustStock: { method: 'POST', path: '/stock/adjustments', isPublic: false, isIdempotent: true, isList: false },
  exportOrders: { method: 'GET', path: '/orders/export', isPublic: false, isIdempotent: false, isList: false },
  quoteOrder: { method: 'POST', path: '/orders/quote', isPublic: false, isIdempotent: false, isList: false },
  placeOrder: { method: 'POST', path: '/orders', isPublic: false, isIdempotent: true, isList: false },
  listOrders: { method: 'GET', path: '/orders', isPublic: false, isIdempotent: false, isList: true },
  getOrder: { method: 'GET', path: '/orders/{id}', isPublic: false, isIdempotent: false, isList: false },
  cancelOrder: { method: 'POST', path: '/orders/{id}/cancellation', isPublic: false, isIdempotent: true, isList: false },
  fulfilOrder: { method: 'POST', path: '/orders/{id}/fulfillments', isPublic: false, isIdempotent: true, isList: false },
  listFulfillments: { method: 'GET', path: '/orders/{id}/fulfillments', isPublic: false, isIdempotent: false, isList: true },
  deliverFulfillment: { method: 'POST', path: '/fulfillments/{id}/delivery', isPublic: false, isIdempotent: true, isList: false },
  getOrderTimeline: { method: 'GET', path: '/orders/{id}/timeline', isPublic: false, isIdempotent: false, isList: true },
  listPayments: { method: 'GET', path: '/orders/{id}/payments', isPublic: false, isIdempotent: false, isList: true },
  createPayment: { method: 'POST', path: '/orders/{id}/payments', isPublic: false, isIdempotent: true, isList: false },
  receivePaymentEvent: { method: 'POST', path: '/payments/webhooks/{provider}', isPublic: true, isIdempotent: false, isList: false },
  getPayment: { method: 'GET', path: '/payments/{id}', isPublic: false, isIdempotent: false, isList: false },
  confirmPayment: { method: 'POST', path: '/payments/{id}/confirmation', isPublic: false, isIdempotent: true, isList: false },
  capturePayment: { method: 'POST', path: '/payments/{id}/capture', isPublic: false, isIdempotent: true, isList: false },
  voidPayment: { method: 'POST', path: '/payments/{id}/void', isPublic: false, isIdempotent: true, isList: false },
  listRefunds: { method: 'GET', path: '/orders/{id}/refunds', isPublic: false, isIdempotent: false, isList: true },
  createRefund: { method: 'POST', path: '/orders/{id}/refunds', isPublic: false, isIdempotent: true, isList: false },
  listAuditEntries: { method: 'GET', path: '/audit-entries', isPublic: false, isIdempotent: false, isList: true },
} as const;
