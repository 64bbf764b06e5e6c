// A person's own data over HTTP.
import { noContent, okStream } from '../../shared/http/reply.ts';
import type { Handler } from '../../shared/http/route.ts';
import type { PrivacyService } from './privacy.service.ts';
import type { deleteMyAccount, exportMyData } from './privacy.validation.ts';

export class PrivacyController {
  private readonly privacy: PrivacyService;

  constructor(privacy: PrivacyService) {
    this.privacy = privacy;
  }

  readonly deleteMe: Handler<typeof deleteMyAccount> = async ({ actor, ifMatch }) => {
    await this.privacy.deleteAccount(actor, ifMatch);
    return noContent();
  };

  readonly getExport: Handler<typeof exportMyData> = async ({ actor }) =>
    okStream(await this.privacy.exportData(actor), {
      'Content-Disposition': 'attachment; filename="my-data.json"',
    });
}
