console.log('</div> é')
